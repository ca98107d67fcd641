//! What a contract answers, read as what was asked for. `None` is an answer of no use. Rules: associates 9.

use alloc::vec::Vec;

use banyan_fate::{
    Value,
    value::{
        Kind, List,
        decode::{Door, decode},
    },
};
use banyan_types::{
    AccountId, Amount, PublicKey,
    committee::{Member, VALIDATORS_MAX, ValidatorSet},
};

use super::plan::{INTERVAL_MS_MAX, INTERVAL_MS_MIN};

/// The version of the interface that the protocol speaks. Source: associates 9.
const VERSION: u64 = 1;
/// No validator weighs more than a third. Source: associates 9.
const SHARE_PARTS: u128 = 3;
/// Accounts that share an epoch's fees, at most. A bound of ours: as many as there are validators.
pub const PAYEES_MAX: usize = VALIDATORS_MAX;

/// `int`: the version that the contract speaks.
pub fn read_version(said: &[u8]) -> Option<()> {
    (read_int(said)? == VERSION).then_some(())
}

/// `list(address * int)` as a set: at most 200, nobody with over a third of the weight.
pub fn read_set(said: &[u8]) -> Option<ValidatorSet> {
    let member = |(address, weight): ([u8; 32], u128)| {
        Some(Member { key: PublicKey(address), weight: u64::try_from(weight).ok()? })
    };
    let members = read_pairs(said, VALIDATORS_MAX)?.into_iter().map(member).collect::<Option<_>>()?;
    let set = ValidatorSet::new(members).ok()?;
    let most = u128::from(set.total());
    let is_fair = |member: &Member| u128::from(member.weight).saturating_mul(SHARE_PARTS) <= most;
    set.members().iter().all(is_fair).then_some(set)
}

/// `list(address)` as places in the epoch's set: at least one, at most as many as were asked for, no strangers.
pub fn read_leaders(said: &[u8], set: &ValidatorSet, slots: u64) -> Option<Vec<u32>> {
    let list = read_list(said, usize::try_from(slots).ok()?)?;
    let place = |item: &Value| set.place(&PublicKey(item.as_object(Kind::Address)?));
    let leaders: Vec<u32> = list.iter().map(place).collect::<Option<_>>()?;
    (!leaders.is_empty()).then_some(leaders)
}

/// `int` as milliseconds between two blocks, within the bounds of every ledger.
pub fn read_interval(said: &[u8]) -> Option<u64> {
    read_int(said).filter(|millis| (INTERVAL_MS_MIN..=INTERVAL_MS_MAX).contains(millis))
}

/// `list(address * int)` as shares of `value`: at most 200, and nothing left over. Nobody has all of nothing.
pub fn read_shares(said: &[u8], value: Amount) -> Option<Vec<(AccountId, Amount)>> {
    let share = |(address, amount)| Some((AccountId(address), Amount::new(amount)?));
    let shares: Vec<_> = read_pairs(said, PAYEES_MAX)?.into_iter().map(share).collect::<Option<_>>()?;
    let sum = shares.iter().try_fold(Amount::ZERO, |sum, (_, amount)| sum.plus(*amount))?;
    (sum == value).then_some(shares)
}

fn read_int(said: &[u8]) -> Option<u64> {
    u64::try_from(decode(said, Door::Outside).ok()?.as_int()?).ok()
}

fn read_list(said: &[u8], max: usize) -> Option<List> {
    let Value::List(list) = decode(said, Door::Outside).ok()? else { return None };
    (list.len() <= max).then_some(list)
}

fn read_pairs(said: &[u8], max: usize) -> Option<Vec<([u8; 32], u128)>> {
    let pair = |item: &Value| {
        let [address, number] = item.as_tuple()? else { return None };
        Some((address.as_object(Kind::Address)?, u128::try_from(number.as_int()?).ok()?))
    };
    read_list(said, max)?.iter().map(pair).collect()
}
