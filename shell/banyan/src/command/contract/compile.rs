//! The compiler of the contracts' language, which is a program of its own. Rules: node 3.4.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use banyan_fate::{abi, code::CodeObject};

use crate::{
    cli::CompilerArg,
    failure::{Exit, Failure},
};

/// The compiler's file.
const NAME: &str = "aesophia_cli";
/// Where the JavaScript SDK keeps it.
const IN_PACKAGES: &str = "node_modules/@aeternity/aepp-sdk/bin/aesophia_cli";
/// How to have what it runs on.
const ERLANG: &str =
    "apt-get install --no-install-recommends erlang-base erlang-crypto (Debian), or Erlang/OTP of any kind";

/// Lines of the compiler that are repeated.
const LINES_MAX: usize = 20;

/// What came of a source.
pub struct Compiled {
    /// The code object.
    pub code: Vec<u8>,
    /// The interface, as the compiler wrote it.
    pub aci: String,
    /// The compiler's version.
    pub version: String,
    /// The source.
    pub source: Vec<u8>,
}

/// Compile a source.
/// # Errors
/// There is no compiler, or nothing that it runs on; what it says of the source.
pub fn compile(file: &Path, given: &CompilerArg) -> Result<Compiled, Failure> {
    let source = fs::read(file).map_err(|error| Failure::disk("read", file, &error))?;
    let compiler = find(given.compiler.as_deref())?;
    let folder = tempfile::tempdir().map_err(|error| Failure::disk("make a folder in", &env::temp_dir(), &error))?;
    let (code, aci) = (folder.path().join("code"), folder.path().join("aci"));
    run(&compiler, file, &[], &code)?;
    run(&compiler, file, &["--create_json_aci"], &aci)?;
    let read = |path: &Path| fs::read_to_string(path).map_err(|_| no_result(&compiler, file));
    let code = read_code(&read(&code)?)?;
    let object = CodeObject::decode(&code).map_err(|error| super::known::bad_code(&error))?;
    let version = String::from_utf8_lossy(&object.compiler).into_owned();
    Ok(Compiled { code, aci: read(&aci)?, version, source })
}

/// Code as the compiler writes it: `cb_…`.
/// # Errors
/// It is something else.
pub fn read_code(text: &str) -> Result<Vec<u8>, Failure> {
    abi::from_text(text.trim()).map_err(|error| {
        let next = "a file with one line, cb_…, as aesophia_cli FILE.aes -o FILE.aeb writes it";
        Failure::new(Exit::Invalid, "bad_code", "that is no code of a contract", next).because(error.to_string())
    })
}

/// The compiler: the one that is named, on the path, or of the JavaScript SDK in this folder or one above.
fn find(given: Option<&Path>) -> Result<PathBuf, Failure> {
    if let Some(given) = given {
        return if given.is_file() {
            Ok(given.into())
        } else {
            Err(no_compiler(&format!("{} is no file", given.display())))
        };
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let on_path = env::split_paths(&path).map(|folder| folder.join(NAME));
    let here = env::current_dir().unwrap_or_default();
    let in_packages = here.ancestors().map(|folder| folder.join(IN_PACKAGES));
    let found = on_path.chain(in_packages).find(|file| file.is_file());
    found.ok_or_else(|| no_compiler(&format!("{NAME} is neither on the PATH nor in {IN_PACKAGES} here or above")))
}

fn no_compiler(why: &str) -> Failure {
    let next = format!(
        "npm install @aeternity/aepp-sdk@14.1.1 here, or --compiler FILE; it runs on Erlang: {ERLANG}. Or compile \
         elsewhere: banyan contract deploy FILE.aeb --aci FILE.json"
    );
    Failure::new(Exit::Invalid, "no_compiler", "there is no contract compiler", next).because(why)
}

fn run(compiler: &Path, file: &Path, more: &[&str], out: &Path) -> Result<(), Failure> {
    // A relative file would name another one for a compiler that changes its folder; none does today.
    let mut command = if is_script(compiler) {
        let mut command = Command::new("escript");
        command.arg(compiler);
        command
    } else {
        Command::new(compiler)
    };
    let output = command.args(more).arg(file).arg("-o").arg(out).output();
    let output = output.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => no_erlang(&format!("there is no escript to run {}", compiler.display())),
        _ => Failure::disk("run", compiler, &error),
    })?;
    if output.status.success() { Ok(()) } else { Err(refused(file, &output)) }
}

/// Whether Erlang's `escript` must run it: files of npm packages need not be executable.
fn is_script(compiler: &Path) -> bool {
    fs::read(compiler).is_ok_and(|bytes| bytes.starts_with(b"#!") && first_line(&bytes).ends_with("escript"))
}

fn first_line(bytes: &[u8]) -> String {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    String::from_utf8_lossy(line).trim_end().to_owned()
}

fn refused(file: &Path, output: &Output) -> Failure {
    let said = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat();
    if said.contains("undefined function crypto") || said.contains("{undef,[{crypto") {
        return no_erlang("Erlang is here without its library crypto");
    }
    let what = format!("{} does not compile", file.display());
    let failure = Failure::new(Exit::Invalid, "not_compiled", what, "correct the source, and the same again");
    let lines = said.lines().map(str::trim_end).filter(|line| !line.is_empty());
    lines.take(LINES_MAX).fold(failure, Failure::because)
}

fn no_erlang(why: &str) -> Failure {
    Failure::new(Exit::Invalid, "no_erlang", "the contract compiler cannot run", ERLANG).because(why)
}

fn no_result(compiler: &Path, file: &Path) -> Failure {
    let what = format!("{} says that {} compiles and writes nothing", compiler.display(), file.display());
    Failure::new(Exit::Ours, "not_compiled", what, "--compiler FILE with aesophia_cli 8.0.0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_compiler_says_what_to_install() {
        let none = CompilerArg { compiler: Some("/nonexistent/aesophia_cli".into()) };
        let file = tempfile::NamedTempFile::new().unwrap();
        let Err(failure) = compile(file.path(), &none) else { panic!("compiled without a compiler") };
        insta::assert_snapshot!(failure, @r"
        error: there is no contract compiler
          /nonexistent/aesophia_cli is no file
          try: npm install @aeternity/aepp-sdk@14.1.1 here, or --compiler FILE; it runs on Erlang: apt-get install --no-install-recommends erlang-base erlang-crypto (Debian), or Erlang/OTP of any kind. Or compile elsewhere: banyan contract deploy FILE.aeb --aci FILE.json
        ");
    }

    #[test]
    fn a_script_is_known_by_its_first_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(NAME);
        for (text, is) in [("#!/usr/bin/env escript\nPK", true), ("#!/bin/sh\n", false), ("\x7fELF", false)] {
            fs::write(&file, text).unwrap();
            assert_eq!(is_script(&file), is, "{text}");
        }
    }

    #[test]
    fn what_the_compiler_says_is_repeated() {
        let folder = tempfile::tempdir().unwrap();
        let (program, file) = (folder.path().join("compiler"), folder.path().join("A.aes"));
        fs::write(&program, "#!/bin/sh\necho \"Parse error in 'A.aes' at line 2, col 17:\"; exit 1\n").unwrap();
        fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        fs::write(&file, "contract A =\n").unwrap();
        let Err(failure) = compile(&file, &CompilerArg { compiler: Some(program) }) else { panic!("compiled") };
        assert_eq!(failure.why, ["Parse error in 'A.aes' at line 2, col 17:"]);
    }
}
