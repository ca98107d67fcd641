//! The numbers that differ between ledgers. Frozen in the genesis; nothing here is configuration.

use alloc::{string::String, vec::Vec};

use banyan_types::{
    Amount, AssociateId, Era, Gas, GasPrice, Height,
    limits::BLOCK_RING,
    rlp::{DecodeError, Field, Items, Tail},
    show::Value,
    witness::{Anchor, WITNESSES_MAX, WitnessSet},
};

use crate::{WitnessSets, engine::committee::CommitteeRules};

banyan_types::record! {
    /// Parameters of the transition. Source of defaults: ledger 1, 2.3.
    Params {
        /// What transactions are signed for; 1 to 32 letters, digits, `_` or `.`.
        network_id: String,
        /// The child's own id; zero on the root.
        ledger: AssociateId,
        /// Expected milliseconds between heights.
        height_interval_ms: u64,
        /// Base units for one gas, at least.
        gas_price_min: GasPrice,
        /// Gas of one transaction, at most.
        gas_per_tx_max: Gas,
        /// Gas of one block of transactions, at most.
        gas_per_block_max: Gas,
        /// Gas of asking a generalized account's contract, at most.
        auth_gas_max: Gas,
        /// Gas for keeping a byte for a year of heights.
        rent_gas_per_byte_year: u64,
        /// Heights that an object lives when nothing is said, covered by the base gas.
        lifetime_default: u64,
        /// Heights that an object may live at most.
        lifetime_max: u64,
        /// Heights that an expired object is kept, in which it may still be extended.
        grace: u64,
        /// What only the root has.
        root: Option<RootRules>,
        /// What only a child has whose validators change.
        committee: Tail<CommitteeRules>,
    }

    /// Money of the root. Source: root 1, 6.
    RootRules {
        /// All coin there will ever be.
        supply_cap: Amount,
        /// Key blocks until a reward is paid.
        maturity: u64,
        /// Key blocks of a witness era.
        era: u64,
        /// Coins per key block, by rows.
        emission: Vec<EmissionRow>,
        /// The coinbase is at least the pool divided by this.
        tail_div: u64,
        /// Stake, witnesses and leaders' bonds; absent where witnesses are off.
        stake: Option<StakeRules>,
        /// Where operators have let finality go on.
        anchors: Anchors,
    }

    /// Stake and the sets that it makes. Source: root 1, 8.
    StakeRules {
        /// Members of a set, at least.
        witness_min: u32,
        /// Members of a set, at most.
        witness_max: u32,
        /// What a member has bonded, at least.
        bond_min: Amount,
        /// No member weighs more than so many thousandths of all bonds, in a set of [`CAPPED_FROM`] or more.
        weight_cap_permille: u32,
        /// What a leader must have bonded to fill its generation; absent where nobody must.
        leader_bond: Option<LeaderBond>,
        /// Eras that a bond still answers after the last one that it served.
        unbond_eras: u32,
        /// Eras that a registration lasts unless it is renewed; absent for ever.
        renew_eras: Option<u32>,
    }

    /// From an era on, a leader has bonded a part of the coinbase of its own key block.
    LeaderBond {
        /// First era.
        from: Era,
        /// The coinbase is divided by this.
        coinbase_div: u64,
    }

    /// From this height on, a key block mints so many coins.
    EmissionRow {
        /// First height of the row.
        from: Height,
        /// Whole coins.
        coins: u64,
    }
}

/// Anchors, ascending by height. They come later than the genesis and stand beside it: its encoding and its hash have none
/// of them, so that the ledger stays the one it was.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Anchors(pub Vec<Anchor>);

impl Field for Anchors {
    fn put(&self, _: &mut Vec<u8>) {}
    fn take(_: &mut Items<'_>) -> Result<Self, DecodeError> {
        Ok(Self::default())
    }
    fn show(&self) -> Value {
        self.0.show()
    }
}

/// Members from which on the weight of each is capped: fewer could not share a whole by tenths. Source: root 1.
pub const CAPPED_FROM: usize = 10;
/// Base units bonded, at least: a thousandth of a set must not be nothing.
const BOND_MIN_LEAST: u128 = 1_000;
/// Characters of a network id. Source: ledger 2.1.
const NETWORK_ID_MAX: usize = 32;
/// Milliseconds of 365 days.
const YEAR_MS: u64 = 31_536_000_000;

impl Params {
    /// Heights that make a year.
    pub fn heights_per_year(&self) -> u64 {
        YEAR_MS.checked_div(self.height_interval_ms).unwrap_or(YEAR_MS).max(1)
    }

    /// Whether this is the root.
    pub const fn is_root(&self) -> bool {
        self.root.is_some()
    }

    /// The rules of stake, on a root that has them.
    pub fn stake(&self) -> Option<&StakeRules> {
        self.root.as_ref()?.stake.as_ref()
    }

    /// How the validators of a child change, where they do.
    pub const fn committee(&self) -> Option<&CommitteeRules> {
        self.committee.0.as_ref()
    }

    /// Whether accounts may bond here: on a root with witnesses, and on a child whose validators are those who bond.
    pub(crate) fn has_stake(&self) -> bool {
        self.stake().is_some() || self.committee().is_some_and(|rules| rules.bonds().is_some())
    }

    /// The first parameter that no ledger can live with.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        let id = self.network_id.as_bytes();
        let letter = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
        let rows = [
            ("network_id", (1..=NETWORK_ID_MAX).contains(&id.len()) && id.iter().all(letter)),
            ("ledger", self.is_root() == (self.ledger == AssociateId::ZERO)),
            ("height_interval_ms", (1..=YEAR_MS).contains(&self.height_interval_ms)),
            ("gas_per_tx_max", self.gas_per_tx_max <= self.gas_per_block_max),
            ("auth_gas_max", self.auth_gas_max <= self.gas_per_tx_max),
            ("lifetime_default", (1..=self.lifetime_max).contains(&self.lifetime_default) || self.is_free_to_keep()),
        ];
        let root = self.root.iter().flat_map(RootRules::rows);
        let committee = self.committee().map(|rules| rules.rows(self.is_root()));
        let mut rows = rows.into_iter().chain(root).chain(committee.into_iter().flatten());
        rows.find(|(_, holds)| !holds).map_or(Ok(()), |(field, _)| Err(field))
    }

    /// Whether objects may live for ever, since keeping them costs nothing.
    pub const fn is_free_to_keep(&self) -> bool {
        self.rent_gas_per_byte_year == 0
    }

    /// Gas for keeping `bytes` for `heights`, rounded up. `None` on overflow.
    pub fn rent_gas(&self, bytes: u64, heights: u64) -> Option<Gas> {
        if self.is_free_to_keep() {
            return Some(Gas(0));
        }
        let gas = bytes.checked_mul(heights)?.checked_mul(self.rent_gas_per_byte_year)?;
        Some(Gas(gas.div_ceil(self.heights_per_year())))
    }

    /// What `gas` costs at the least price. `None` on overflow.
    pub fn price(&self, gas: Gas) -> Option<Amount> {
        self.gas_price_min.0.checked_mul(u128::from(gas.0)).and_then(Amount::new)
    }
}

impl RootRules {
    /// Each rule about these parameters, and whether it holds.
    fn rows(&self) -> impl Iterator<Item = (&'static str, bool)> {
        let ascending = self.emission.is_sorted_by(|row, next| row.from < next.from);
        let ends = self.emission.last().is_none_or(|row| row.coins == 0);
        let rows = [
            // A reward leaf must mature in a later block, while its key block stands in the ring of block hashes.
            ("maturity", (1..BLOCK_RING).contains(&self.maturity)),
            // The first height of the first era is the genesis; it must not be the last one too where that writes a set.
            ("era", self.era > u64::from(self.stake.is_some())),
            ("emission", ascending && ends),
            ("tail_div", self.tail_div > 0),
            ("anchors", self.anchors_fit()),
        ];
        rows.into_iter().chain(self.stake.iter().flat_map(StakeRules::rows))
    }

    /// The era that a height is in; the last one there is, if the heights outlive them.
    pub fn era_of(&self, height: Height) -> Era {
        let era = height.0.checked_div(self.era).unwrap_or(0);
        Era(u32::try_from(era).unwrap_or(u32::MAX))
    }

    /// The first height of an era.
    pub fn first_height(&self, era: Era) -> Height {
        Height(u64::from(era.0).saturating_mul(self.era))
    }

    /// The last height of an era.
    pub fn last_height(&self, era: Era) -> Height {
        Height(self.first_height(era).0.saturating_add(self.era.saturating_sub(1)))
    }

    /// Whether they ascend, each at the last height of its era, and there is somebody to sign them.
    fn anchors_fit(&self) -> bool {
        let anchors = &self.anchors.0;
        let ends = |anchor: &Anchor| anchor.height == self.last_height(self.era_of(anchor.height));
        let sorted = |anchor: &Anchor| {
            anchor.without.is_sorted_by(|a, b| a < b) && anchor.signatures.is_sorted_by(|a, b| a.key < b.key)
        };
        anchors.is_sorted_by(|a, b| a.height < b.height)
            && anchors.iter().all(|anchor| ends(anchor) && sorted(anchor))
            && (anchors.is_empty() || self.stake.is_some())
    }

    /// The anchor of exactly this height.
    pub fn anchor_at(&self, height: Height) -> Option<&Anchor> {
        self.anchors.0.iter().find(|anchor| anchor.height == height)
    }

    /// Who signs in an era: the set that the state holds, without those who were lost when an earlier era ended.
    pub fn signers(&self, sets: &WitnessSets, era: Era) -> Option<WitnessSet> {
        let before = self.first_height(era);
        let anchors = self.anchors.0.iter().filter(|anchor| anchor.height < before);
        let set = sets.of(era)?.clone();
        Some(anchors.fold(set, |set, anchor| set.without(&anchor.without)))
    }

    /// What the leader at `height` must have bonded to fill its generation, with `pool` unmined before its key block.
    pub fn leader_bond(&self, height: Height, pool: Amount) -> Amount {
        let rule = self.stake.as_ref().and_then(|stake| stake.leader_bond.as_ref());
        let rule = rule.filter(|rule| rule.from <= self.era_of(height));
        rule.and_then(|rule| self.coinbase(height, pool).share(1, rule.coinbase_div)).unwrap_or(Amount::ZERO)
    }

    /// All that the rows mint. `None` above the supply.
    pub(crate) fn emission_sum(&self) -> Option<Amount> {
        let pairs = self.emission.iter().zip(self.emission.iter().skip(1));
        let mut sums = pairs.map(|(row, next)| Amount::coins(next.from.since(row.from)?.checked_mul(row.coins)?));
        sums.try_fold(Amount::ZERO, |sum, row| sum.plus(row?))
    }

    /// Coins minted by the key block at `height`, with `pool` still unmined; never more than the pool.
    pub fn coinbase(&self, height: Height, pool: Amount) -> Amount {
        let row = self.emission.iter().take_while(|row| row.from <= height).last();
        let table = row.and_then(|row| Amount::coins(row.coins)).unwrap_or(Amount::ZERO);
        let tail = pool.share(1, self.tail_div).unwrap_or(Amount::ZERO);
        table.max(tail).min(pool)
    }
}

impl StakeRules {
    /// Each rule about these parameters, and whether it holds.
    fn rows(&self) -> [(&'static str, bool); 6] {
        let max = usize::try_from(self.witness_max).unwrap_or(usize::MAX);
        [
            ("witness_min", (1..=self.witness_max).contains(&self.witness_min)),
            ("witness_max", max <= WITNESSES_MAX),
            ("bond_min", self.bond_min.base() >= BOND_MIN_LEAST),
            ("weight_cap_permille", (1..=1_000).contains(&self.weight_cap_permille)),
            ("leader_bond", self.leader_bond.as_ref().is_none_or(|rule| rule.coinbase_div > 0)),
            // A witness must answer for its last era when that era is over.
            ("unbond_eras", self.unbond_eras > 0),
        ]
    }

    /// The last era whose set a stake renewed in `era` may be in.
    pub fn registered_to(&self, era: Era) -> Era {
        Era(self.renew_eras.map_or(u32::MAX, |eras| era.0.saturating_add(eras)))
    }
}

/// The emission of the main profile: rows of (height, coins), 88 × (u64, u64) big-endian. Source: root 6.
static EMISSION_MAIN: &[u8; 1_408] = include_bytes!("../emission.main");

/// The emission of the main profile: 475,000 coins, an eighth less each 262,800 heights.
pub fn emission_main() -> Vec<EmissionRow> {
    let (numbers, _) = EMISSION_MAIN.as_chunks::<8>();
    let (rows, _) = numbers.as_chunks::<2>();
    let row = |[from, coins]: &[[u8; 8]; 2]| EmissionRow {
        from: Height(u64::from_be_bytes(*from)),
        coins: u64::from_be_bytes(*coins),
    };
    rows.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emission_table_hash_is_frozen() {
        let expected = "86ed749af0951dbc832c97246002015a566eabacb9387e249fc548e76767933c";
        let hash = banyan_types::Hash(banyan_crypto::blake2b(&[EMISSION_MAIN]));
        assert_eq!(alloc::format!("{hash}"), expected);
    }

    #[test]
    fn the_emission_sums_to_what_is_published() {
        let rows = emission_main();
        let pairs = rows.iter().zip(rows.iter().skip(1));
        let coins: u64 = pairs.map(|(row, next)| (next.from.0 - row.from.0) * row.coins).sum();
        assert_eq!(coins, 998_558_269_200);
        let rules = RootRules {
            supply_cap: Amount::MAX,
            maturity: 5,
            era: 20,
            emission: rows.clone(),
            tail_div: 10_000_000,
            stake: None,
            anchors: Anchors::default(),
        };
        assert_eq!(rules.emission_sum(), Amount::coins(coins));
        assert_eq!(rows.last(), Some(&EmissionRow { from: Height(22_863_601), coins: 0 }));
    }

    #[test]
    fn the_coinbase_never_leaves_the_pool() {
        let rules = RootRules {
            supply_cap: Amount::MAX,
            maturity: 5,
            era: 20,
            emission: emission_main(),
            tail_div: 10_000_000,
            stake: None,
            anchors: Anchors::default(),
        };
        let coins = |n| Amount::coins(n).unwrap();
        assert_eq!(
            rules.coinbase(Height(0), coins(1_000)),
            Amount::coins(1_000).unwrap().share(1, 10_000_000).unwrap()
        );
        assert_eq!(rules.coinbase(Height(1), coins(500_000)), coins(475_000));
        assert_eq!(rules.coinbase(Height(262_801), coins(500_000)), coins(415_625));
        assert_eq!(rules.coinbase(Height(1), coins(7)), coins(7));
        assert_eq!(rules.coinbase(Height(30_000_000), coins(10_000_000)), coins(1));
    }
}
