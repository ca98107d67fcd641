//! Write small private files so that a crash leaves the old content or the new, never half of one.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::Path,
};

/// What is being written. A crash leaves it behind; the next write removes it, and nobody reads it.
const TEMPORARY: &str = ".new";
/// Held by whoever changes the folder.
const LOCK: &str = ".lock";

/// Make `dir` and its parents, readable for the owner only, so that they survive a power cut.
pub fn make_dir(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    make_dir(parent)?;
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => sync_dir(parent),
    }
}

/// Wait until nobody else changes `dir`; the answer is the right to change it, until dropped.
pub fn lock(dir: &Path) -> io::Result<File> {
    let file = private().create(true).truncate(false).open(dir.join(LOCK))?;
    file.lock()?;
    Ok(file)
}

/// Put `content` at `dir/name`, replacing what is there. Durable when it returns. Needs the [`lock`].
pub fn write(dir: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    let temporary = dir.join(TEMPORARY);
    remove_if_there(&temporary)?;
    let mut file = private().create_new(true).open(&temporary)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&temporary, dir.join(name))?;
    sync_dir(dir)
}

/// Remove `dir/name`. Durable when it returns. Needs the [`lock`].
pub fn remove(dir: &Path, name: &str) -> io::Result<()> {
    fs::remove_file(dir.join(name))?;
    sync_dir(dir)
}

/// The content of `path`, cut after `limit` bytes.
pub fn read(path: &Path, limit: usize) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    File::open(path)?.take(limit as u64).read_to_end(&mut content)?;
    Ok(content)
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Names in a folder are durable only when the folder itself is synced.
fn sync_dir(dir: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(dir)?.sync_all() } else { Ok(()) }
}
