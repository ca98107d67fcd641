//! On the parent: report what no honest authority of a child signs. Rules: associates 3.

use alloc::vec::Vec;

use banyan_crypto::Claim;
use banyan_types::{
    AccountId, Amount, AssociateId, Bytes,
    associate::{Regime, SummaryStatement, Validators},
    tx::AssociateEvidence,
};

use super::certificate;
use crate::{ConnectionPoint, Event, Rejected, State, Status, scene::Scene};

/// What a reporter has of what the culprits lose: one part of so many.
const REWARD_PARTS: u128 = 10;

/// Two words of one key.
const KIND_WORDS: u64 = 0;
/// Two certificates.
const KIND_CERTIFICATES: u64 = 1;

/// What a pair of statements proves.
pub(super) struct Fault {
    /// Who signed both.
    pub culprits: Vec<AccountId>,
    /// Where the statements are certificates, the validators as judged: nothing that they say counts for a while.
    pub validators: Option<Validators>,
}

impl<S: State> Scene<'_, S> {
    pub(crate) fn report_child(&mut self, tx: &AssociateEvidence) -> Result<(), Rejected> {
        let id = tx.associate_id;
        let mut point = self.point(id)?;
        let fault = self.judge(id, &point, tx.kind, &tx.a, &tx.b).ok_or(Rejected::NoFault)?;
        let guilty: Vec<_> =
            point.bonds.iter().filter(|bond| fault.culprits.contains(&bond.operator)).cloned().collect();
        if guilty.is_empty() && fault.validators.is_none() {
            return Err(Rejected::NoBond);
        }
        for bond in guilty {
            point.set_bond(bond.operator, Amount::ZERO);
            self.slash_operator(id, bond.operator, bond.amount, tx.from_id)?;
        }
        if let Some(validators) = fault.validators {
            point.regime = Regime::Certificate(validators);
            self.freeze(id, &mut point)?;
        }
        self.set_point(id, &point);
        Ok(())
    }

    /// A tenth for the reporter; the rest belongs to the child's users.
    fn slash_operator(
        &mut self,
        id: AssociateId,
        operator: AccountId,
        amount: Amount,
        reporter: AccountId,
    ) -> Result<(), Rejected> {
        let reward = amount.base().checked_div(REWARD_PARTS).and_then(Amount::new).unwrap_or(Amount::ZERO);
        let (reward, rest) = self.take_bonds(amount)?.split(reward).ok_or(Rejected::Overflow)?;
        self.events.push(Event::OperatorSlashed { associate: id, operator, amount, reporter, reward: reward.amount() });
        self.pay(reporter, reward)?;
        self.escrow_gain(id, rest)
    }

    fn freeze(&mut self, id: AssociateId, point: &mut ConnectionPoint) -> Result<(), Rejected> {
        let until = self.height.plus(point.params.change_delay).ok_or(Rejected::Overflow)?;
        let closing = matches!(point.status, Status::Closing | Status::Frozen { closing: true, .. });
        if !matches!(point.status, Status::Dead { .. }) {
            point.status = Status::Frozen { until, closing };
            self.events.push(Event::Frozen { associate: id, until });
        }
        Ok(())
    }

    /// What the statements prove, by the rules of the authority that this ledger knows of. Engines join here.
    fn judge(&self, id: AssociateId, point: &ConnectionPoint, kind: u64, a: &Bytes, b: &Bytes) -> Option<Fault> {
        match kind {
            KIND_WORDS => self.two_words(id, point, a, b).or_else(|| certificate::two_votes(point, &a.0, &b.0)),
            KIND_CERTIFICATES => match &point.regime {
                Regime::Certificate(validators) => certificate::two_certificates(point, validators, &a.0, &b.0),
                _ => None,
            },
            _ => None,
        }
    }

    /// Two summaries of one operator that end at one child block and say different things of it.
    fn two_words(&self, id: AssociateId, point: &ConnectionPoint, a: &Bytes, b: &Bytes) -> Option<Fault> {
        let (a, b) = (SummaryStatement::decode(&a.0).ok()?, SummaryStatement::decode(&b.0).ok()?);
        let (one, other) = (&a.summary, &b.summary);
        let same = a.operator == b.operator && one.associate == id && other.associate == id;
        let differs = (one.block_hash, one.root, one.outbox_hash) != (other.block_hash, other.root, other.outbox_hash);
        let signed = [&a, &b].into_iter().all(|word| self.is_signed(word));
        let known = !point.bond_of(a.operator).is_zero() || point.operators.contains(&a.operator);
        (same && known && one.child_to == other.child_to && differs && signed)
            .then(|| Fault { culprits: alloc::vec![a.operator], validators: None })
    }

    fn is_signed(&self, word: &SummaryStatement) -> bool {
        let message = word.summary.signing_message(&self.params.network_id);
        let claim = Claim { key: &word.operator.0, message: &message, signature: &word.signature.0 };
        banyan_crypto::verify(claim).is_ok()
    }
}
