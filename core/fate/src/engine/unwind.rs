//! What a failure reaches: the innermost protected call, or the end of the run.

use super::{Host, Step, Tracer, Trap, run::Run};

impl<H: Host, T: Tracer> Run<'_, H, T> {
    /// Go on after the innermost protected call.
    /// # Errors
    /// The trap itself, if there is no such call.
    pub(super) fn unwind(&mut self, trap: Trap<H::Fault>) -> Step<(), H> {
        let mut trap = trap;
        loop {
            let protected = self.remotes.iter().rposition(super::remote::Remote::is_protected);
            let (Some(protected), Trap::Failed(_) | Trap::Reverted(_)) = (protected, &trap) else { return Err(trap) };
            match self.fail_to_protected(protected) {
                Ok(()) => return Ok(()),
                // Not even the way back could be paid: the next one outside has to catch it.
                Err(next) => trap = next,
            }
        }
    }
}
