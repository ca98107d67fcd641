//! Pay for what somebody else does. Rules: ledger 3.4.

use banyan_types::{
    Bytes,
    tx::{PayingFor, SignedTx},
};

use crate::{
    Rejected, State,
    fees::fees_through,
    rules::{Done, Under},
    scene::Scene,
};

impl<S: State> Scene<'_, S> {
    /// The payer's nonce and fee first; then what is inside, whose fees and runs the payer pays and whose amounts its own
    /// sender. What is refused inside refuses the whole.
    pub(crate) fn pay_for(&mut self, tx: &SignedTx, paying: &PayingFor, under: &Under) -> Result<Done, Rejected> {
        let payer = paying.payer_id;
        self.enter(tx.transaction(), under)?;
        self.must_hold(payer, fees_through(tx.transaction()).ok_or(Rejected::Overflow)?)?;
        self.take_nonce(payer, paying.nonce, under)?;
        self.charge_fee(tx, payer)?;
        let under = Under { payer: Some(payer), payer_fee: paying.fee, ..under.clone() };
        let inside = self.run(paying.tx.get(), &under)?;
        Ok(Done {
            status: inside.status,
            gas_used: inside.gas_used,
            created: inside.created.clone(),
            calls: alloc::vec![Bytes(inside.encode())],
            ..Done::plain()
        })
    }
}
