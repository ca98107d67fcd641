//! Write files that are whole or not there.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::Path,
};

use crate::failure::Failure;

/// Put `bytes` where `path` says, durably: after a crash there is either all of it or what was there before.
/// # Errors
/// The disk refuses.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    // Another run may write the same file.
    let unfinished = path.with_extension(format!("{}.tmp", std::process::id()));
    let failed = |error: io::Error| Failure::disk("write", path, &error);
    let mut file = File::create(&unfinished).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed)?;
    fs::rename(&unfinished, path).map_err(failed)?;
    // A bare name is in the folder where the program runs.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
}
