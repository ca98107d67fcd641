//! What stake is subject to: on the root by eras of witnesses, on a child by epochs of its committee.

use banyan_types::{Amount, Era, Height};

use crate::{Missing, Params, Rejected, State, leaf::Candidate, scene::Scene};

/// The terms at one height. An epoch of a child stands where an era of the root does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    /// Bonded at least, to serve.
    pub bond_min: Amount,
    /// Members of a set, at least.
    pub least: u32,
    /// The running era.
    pub now: Era,
    /// The era of the first set that is not chosen yet.
    pub next: Era,
    /// Eras that stake answers after the last one that it served.
    unbond: u32,
    /// Eras that a registration lasts; absent for ever.
    renew: Option<u32>,
    /// Heights of an era.
    span: u64,
    /// The first height of the first era: the genesis on the root, the first block on a child.
    from: u64,
}

impl Terms {
    /// The terms at a height; `None` where nobody bonds.
    pub fn at(params: &Params, height: Height) -> Option<Self> {
        Self::of_root(params, height).or_else(|| Self::of_child(params, height))
    }

    fn of_root(params: &Params, height: Height) -> Option<Self> {
        let root = params.root.as_ref()?;
        let rules = root.stake.as_ref()?;
        let now = root.era_of(height);
        // The key block that ends an era has written the set of the era after next before its micro blocks come.
        let ahead = if root.last_height(now) == height { 3 } else { 2 };
        Some(Self {
            bond_min: rules.bond_min,
            least: rules.witness_min,
            now,
            next: now.plus(ahead)?,
            unbond: rules.unbond_eras,
            renew: rules.renew_eras,
            span: root.era,
            from: 0,
        })
    }

    fn of_child(params: &Params, height: Height) -> Option<Self> {
        let committee = params.committee()?;
        let rules = committee.bonds()?;
        let now = Era(u32::try_from(committee.epoch_of(height)).ok()?);
        Some(Self {
            bond_min: rules.stake_min,
            least: rules.validators_min,
            now,
            // Stakes are read when an epoch has ended, for the one three ahead of it.
            next: now.plus(3)?,
            unbond: rules.unbond_epochs,
            renew: rules.renew_epochs,
            span: committee.epoch_blocks,
            from: 1,
        })
    }

    /// The last era whose set a stake renewed in `era` may be in.
    pub fn registered_to(&self, era: Era) -> Era {
        Era(self.renew.map_or(u32::MAX, |eras| era.0.saturating_add(eras)))
    }

    /// Whether a stake may be in the set of `era`.
    pub fn is_eligible(&self, candidate: &Candidate, era: Era) -> bool {
        candidate.bonded >= self.bond_min && self.registered_to(candidate.renewed) >= era
    }

    /// When stake is paid back that served up to the era `last`.
    pub fn release_height(&self, last: Option<Era>) -> Result<Height, Rejected> {
        let era = last.and_then(|last| last.plus(self.unbond)).ok_or(Rejected::Overflow)?;
        let first = u64::from(era.0).saturating_mul(self.span).saturating_add(self.from);
        Ok(Height(first.saturating_add(self.span.saturating_sub(1))))
    }
}

impl<S: State> Scene<'_, S> {
    /// The terms of stake; every caller has asked whether there are any.
    pub(crate) fn terms(&self) -> Result<Terms, Missing> {
        Terms::at(self.params, self.height).ok_or(Missing("stake where it is off"))
    }
}
