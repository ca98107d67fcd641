//! Repair a transaction fault by fault, and see each one named in its turn.

use banyan_ledger::{Outcome, Rejected};

/// A transaction in which everything is wrong at first, and is repaired step by step.
pub struct Wrong<'a, T> {
    tx: T,
    admit: Box<dyn Fn(&T) -> Result<Outcome, Rejected> + 'a>,
}

impl<'a, T> Wrong<'a, T> {
    pub fn new(tx: T, admit: impl Fn(&T) -> Result<Outcome, Rejected> + 'a) -> Self {
        Self { tx, admit: Box::new(admit) }
    }

    /// The error that shows now, and the repair of its cause.
    #[expect(clippy::needless_pass_by_value, reason = "rows read better without an ampersand each")]
    pub fn says(mut self, expected: Rejected, repair: impl FnOnce(&mut T)) -> Self {
        assert_eq!((self.admit)(&self.tx).unwrap_err(), expected);
        repair(&mut self.tx);
        self
    }

    /// Nothing is wrong any more.
    pub fn accepted(self) -> Outcome {
        (self.admit)(&self.tx).unwrap()
    }
}
