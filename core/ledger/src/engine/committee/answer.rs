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

use super::decree::{INTERVAL_MS_MAX, INTERVAL_MS_MIN};

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

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{vec, vec::Vec};

    fn pair(who: u8, number: i64) -> Value {
        Value::tuple(vec![Value::address(&[who; 32]), Value::int(number)])
    }

    fn pairs(pairs: &[(u8, i64)]) -> Vec<u8> {
        Value::list(pairs.iter().map(|(who, number)| pair(*who, *number)).collect()).encode()
    }

    fn addresses(people: &[u8]) -> Vec<u8> {
        Value::list(people.iter().map(|who| Value::address(&[*who; 32])).collect()).encode()
    }

    fn many(count: u8) -> Vec<(u8, i64)> {
        (0..count).map(|who| (who, 1)).collect()
    }

    fn set() -> ValidatorSet {
        read_set(&pairs(&[(1, 1), (2, 1), (3, 1)])).unwrap()
    }

    /// What is no answer to anything.
    fn junk() -> Vec<Vec<u8>> {
        let values = [Value::Bool(true), Value::string("a"), Value::address(&[1; 32]), Value::tuple(vec![])];
        let encoded = values.iter().map(Value::encode);
        let inside = values.iter().map(|value| Value::list(vec![value.clone()]).encode());
        encoded.chain(inside).chain([vec![], vec![0xff], b"not a value".to_vec()]).collect()
    }

    #[test]
    fn junk_is_no_answer() {
        for said in junk() {
            assert_eq!(read_version(&said), None);
            assert_eq!(read_set(&said), None);
            assert_eq!(read_interval(&said), None);
            assert_eq!(read_shares(&said, Amount::ZERO), None);
        }
        let strange = junk().into_iter().filter(|said| *said != addresses(&[1]));
        assert!(strange.into_iter().all(|said| read_leaders(&said, &set(), 9).is_none()));
    }

    #[test]
    fn a_set_has_at_most_two_hundred_and_nobody_over_a_third() {
        let wrong: [&[(u8, i64)]; 6] = [
            &[],
            &[(1, 1)],
            &[(1, 1), (2, 1)],
            &[(1, 2), (2, 2), (3, 0)],
            &[(1, 1), (1, 1), (2, 1), (3, 1)],
            &[(1, -1), (2, 1), (3, 1), (4, 1)],
        ];
        for members in wrong {
            assert_eq!(read_set(&pairs(members)), None, "{members:?}");
        }
        assert_eq!(read_set(&pairs(&many(201))), None);
        assert_eq!(read_set(&pairs(&many(200))).map(|set| set.members().len()), Some(200));
        assert!(read_set(&pairs(&[(1, 3), (2, 3), (3, 3)])).is_some(), "a third is no more than a third");
        assert_eq!(read_set(&pairs(&[(1, 4), (2, 3), (3, 3)])), None);
    }

    #[test]
    fn leaders_are_members_and_no_more_than_there_are_slots() {
        assert_eq!(read_leaders(&addresses(&[]), &set(), 3), None);
        assert_eq!(read_leaders(&addresses(&[1, 4]), &set(), 3), None, "a stranger");
        assert_eq!(read_leaders(&addresses(&[1, 2, 3, 1]), &set(), 3), None);
        assert_eq!(read_leaders(&addresses(&[3, 1, 3]), &set(), 3), Some(vec![2, 0, 2]));
        assert_eq!(read_leaders(&addresses(&[2]), &set(), 3), Some(vec![1]));
        assert_eq!(read_leaders(&pairs(&[(1, 1)]), &set(), 3), None);
    }

    #[test]
    fn an_interval_is_neither_too_short_nor_too_long() {
        let said = |millis: i64| read_interval(&Value::int(millis).encode());
        assert_eq!([-1, 0, 99, 100, 10_000, 10_001].map(said), [None, None, None, Some(100), Some(10_000), None]);
        assert_eq!(read_interval(&Value::int(u128::MAX).encode()), None);
        assert_eq!([0i64, 1, 2].map(|n| read_version(&Value::int(n).encode())), [None, Some(()), None]);
    }

    #[test]
    fn shares_are_the_whole_value() {
        let shared =
            |lines: &[(u8, i64)]| read_shares(&pairs(lines), Amount::new(10).unwrap()).map(|lines| lines.len());
        let wrong: [&[(u8, i64)]; 4] = [&[], &[(1, 9)], &[(1, 9), (2, 2)], &[(1, 11), (2, -1)]];
        assert!(wrong.iter().all(|lines| shared(lines).is_none()));
        let good: [&[(u8, i64)]; 3] = [&[(1, 10)], &[(1, 5), (1, 5)], &[(1, 10), (2, 0)]];
        assert_eq!(good.map(shared), [Some(1), Some(2), Some(2)]);
        assert_eq!(read_shares(&pairs(&[]), Amount::ZERO), Some(vec![]));
        assert_eq!(read_shares(&pairs(&many(201)), Amount::new(201).unwrap()), None);
    }
}
