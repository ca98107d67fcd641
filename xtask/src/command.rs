//! Turn the end of a command into a figure.

use std::process::Command;

use crate::context::Context;
use crate::figure::Figure;
use crate::process;
use crate::step::{Fault, Held};

/// One check: the command ends well.
pub fn holds(context: &Context, command: &mut Command) -> Held {
    let end = process::watch(command, context.until, |_| {})?;
    if end.success() { Ok(Figure::PASSED) } else { Err(Fault::failed(&end)) }
}

/// As many checks as the lines of the command's output count together.
pub fn counted(context: &Context, command: &mut Command, read: fn(&str) -> Option<Figure>) -> Held {
    let mut figure = Figure::default();
    let end = process::watch(command, context.until, |line| figure += read(line).unwrap_or_default())?;
    if !end.success() && figure.failed == 0 {
        figure += Figure::FAILED;
    }
    Ok(figure)
}

/// The figure that a program prints last, in our own form.
pub fn closing(context: &Context, command: &mut Command) -> Held {
    let mut figure = None;
    let end = process::watch(command, context.until, |line| figure = Figure::of_closing_line(line).or(figure))?;
    match figure {
        Some(figure) if end.success() || figure.failed > 0 => Ok(figure),
        Some(_) => Err(Fault::failed(&end)),
        None => Err(Fault::Failed(format!("{end} without a figure"))),
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::{closing, counted};
    use crate::context::Context;
    use crate::figure::Figure;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_command_that_fails_after_a_good_count_has_failed() {
        let script = "echo 'test result: ok. 2 passed; 0 failed; 0 ignored'; exit 1";
        let figure = counted(&Context::new(), &mut shell(script), Figure::of_harness).expect("a figure");
        assert_eq!(figure, Figure { passed: 2, failed: 1, skipped: 0 });
    }

    #[test]
    fn a_program_without_a_figure_has_failed() {
        let context = Context::new();
        assert!(closing(&context, &mut shell("echo fine")).is_err());
        assert!(closing(&context, &mut shell("echo '2 passed, 0 failed'; exit 1")).is_err());
        assert_eq!(closing(&context, &mut shell("echo '2 passed, 0 failed'")).ok().map(|f| f.passed), Some(2));
    }
}
