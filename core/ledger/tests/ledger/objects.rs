//! Tokens, data entries and payers: who may do what, and what it costs whom.

use banyan_ledger::{BlobPlace, Event, Fault, Rejected, blob, blob_hash, blob_key, entry, key, token, token_balance};
use banyan_types::{
    AccountId, Amount, Bytes, ContractId, Decimals, EntryId, Gas, Height, Id, Lifetime, Nonce, Payee, Receipt, Serial,
    Signature, Symbol, TokenAmount, TokenId,
    limits::{ENTRY_BYTES_MAX, PAYLOAD_BYTES_MAX},
    tx::{
        BlobPost, EntryCreate, EntryDestroy, EntryTransfer, PayingFor, SignedTx, Spend, TokenBurn, TokenCreate,
        TokenFinalize, TokenMint, TokenTransfer, Transaction, Wrapped, inner_network,
    },
};
use proptest::{collection::vec, prelude::*};

use crate::support::*;

const fn parts(base: u128) -> TokenAmount {
    match Amount::new(base) {
        Some(amount) => TokenAmount(amount),
        None => TokenAmount(Amount::MAX),
    }
}

/// A ledger with what its kinds of transactions are made of.
impl Ledger {
    fn over(&self) -> banyan_ledger::Overlay<banyan_ledger::MapState> {
        banyan_ledger::Overlay::new(self.state.clone())
    }

    pub fn tokens(&self, id: TokenId, person: u8) -> u128 {
        token_balance(&mut self.over(), id, account(person)).unwrap().0.base()
    }

    fn serial(&self, person: u8) -> Serial {
        Serial::Nonce(self.nonce(person))
    }

    pub fn create_token(&self, owner: u8, amount: u128, mintable: bool) -> (TokenId, TokenCreate) {
        let id = TokenId::derive(&self.params.network_id, account(owner), self.serial(owner));
        let create = TokenCreate {
            owner_id: account(owner),
            symbol: Symbol::new("CAP").unwrap(),
            decimals: Decimals::new(2).unwrap(),
            amount: parts(amount),
            mintable,
            ttl: Height(0),
            fee: FEE,
            nonce: self.nonce(owner),
        };
        (id, create)
    }

    pub fn transfer_token(&self, from: u8, id: TokenId, amount: u128, to: AccountId) -> TokenTransfer {
        TokenTransfer {
            sender_id: account(from),
            token_id: id,
            amount: parts(amount),
            to_id: Payee::Account(to),
            payload: Bytes::default(),
            ttl: Height(0),
            fee: FEE,
            nonce: self.nonce(from),
        }
    }

    pub fn mint_token(&self, owner: u8, id: TokenId, amount: u128, to: u8) -> TokenMint {
        TokenMint {
            owner_id: account(owner),
            token_id: id,
            amount: parts(amount),
            to_id: Payee::Account(account(to)),
            ttl: Height(0),
            fee: FEE,
            nonce: self.nonce(owner),
        }
    }

    fn finalize_token(&self, owner: u8, id: TokenId) -> TokenFinalize {
        let (ttl, nonce) = (Height(0), self.nonce(owner));
        TokenFinalize { owner_id: account(owner), token_id: id, ttl, fee: FEE, nonce }
    }

    pub fn burn_token(&self, from: u8, id: TokenId, amount: u128) -> TokenBurn {
        let (ttl, nonce, amount) = (Height(0), self.nonce(from), parts(amount));
        TokenBurn { sender_id: account(from), token_id: id, amount, ttl, fee: FEE, nonce }
    }

    pub fn create_entry(&self, owner: u8, data: &[u8], lifetime: Lifetime) -> (EntryId, EntryCreate) {
        let id = EntryId::derive(&self.params.network_id, account(owner), self.serial(owner));
        let (ttl, nonce, data) = (Height(0), self.nonce(owner), Bytes(data.to_vec()));
        (id, EntryCreate { owner_id: account(owner), data, lifetime, ttl, fee: FEE, nonce })
    }

    pub fn transfer_entry(&self, owner: u8, id: EntryId, to: u8) -> EntryTransfer {
        let (ttl, nonce) = (Height(0), self.nonce(owner));
        EntryTransfer { owner_id: account(owner), entry_id: id, to_id: account(to), ttl, fee: FEE, nonce }
    }

    pub fn destroy_entry(&self, owner: u8, id: EntryId) -> EntryDestroy {
        let (ttl, nonce) = (Height(0), self.nonce(owner));
        EntryDestroy { owner_id: account(owner), entry_id: id, ttl, fee: FEE, nonce }
    }

    /// `inner`, signed for a payer by its sender.
    pub fn inner(&self, sender: u8, inner: impl Into<Transaction>) -> SignedTx {
        inner.into().sign(&inner_network(&self.params.network_id), &secret(sender))
    }

    pub fn pay_for(&self, payer: u8, inner: SignedTx) -> PayingFor {
        PayingFor { payer_id: account(payer), nonce: self.nonce(payer), fee: FEE, tx: Wrapped::new(inner) }
    }
}

fn post(from: &Ledger, data: &[u8]) -> BlobPost {
    let (ttl, nonce, data) = (Height(0), from.nonce(ALICE), Bytes(data.to_vec()));
    BlobPost { sender_id: account(ALICE), data, ttl, fee: FEE, nonce }
}

#[test]
fn a_duplicate_blob_is_known_not_fatal() {
    let mut pair = Pair::funded();
    let first = pair.child.sign(ALICE, post(&pair.child, b"seen"));
    pair.step(&[first]).unwrap();
    let place = blob(&mut pair.child.over(), blob_hash(b"seen")).unwrap().unwrap();
    let BlobPlace { height, index } = place;
    assert_eq!(index, 0);
    let again = pair.child.sign(ALICE, post(&pair.child, b"seen"));
    assert_eq!(pair.child.admit(&again).unwrap_err(), Rejected::Known { height, index });
    assert_eq!(Rejected::Known { height, index }.fault(), Fault::Invalid);
    // The ledger goes on, and other data find their place.
    pair.step(&[pair.child.sign(ALICE, post(&pair.child, b"new"))]).unwrap();
    let later = blob(&mut pair.child.over(), blob_hash(b"new")).unwrap().unwrap();
    assert!(later.height > height);
    assert_eq!(blob(&mut pair.child.over(), blob_hash(b"seen")).unwrap(), Some(place));
}

#[test]
fn absence_is_provable() {
    let mut pair = Pair::funded();
    pair.step(&[pair.child.sign(ALICE, post(&pair.child, b"here"))]).unwrap();
    let leaves = pair.child.state.leaves();
    let leaf = |(key, value): (&[u8; 32], &[u8])| banyan_tree::Leaf {
        key: *key,
        value_hash: banyan_tree::value_hash(value),
        note: (),
    };
    let trie = banyan_tree::Trie::build(leaves.map(leaf));
    let root = pair.child.root_hash().0;
    assert_eq!(trie.root(), root);
    let place = blob(&mut pair.child.over(), blob_hash(b"here")).unwrap().unwrap().encode();
    let [here, gone] = [b"here", b"gone"].map(|data| blob_key(blob_hash(data)));
    assert_eq!(trie.prove(&here).verify(&root, &here, Some(&place)), Ok(()));
    assert_eq!(trie.prove(&gone).verify(&root, &gone, None), Ok(()));
    assert!(trie.prove(&here).verify(&root, &here, None).is_err());
}

#[test]
fn a_blob_is_no_larger_than_an_entry_and_has_no_place_on_the_root() {
    let pair = Pair::funded();
    let large = post(&pair.child, &vec![1; ENTRY_BYTES_MAX + 1]);
    let (max, got) = (ENTRY_BYTES_MAX, ENTRY_BYTES_MAX + 1);
    let large = BlobPost { fee: coins(1), ..large };
    let refused = pair.child.admit(&pair.child.sign(ALICE, large)).unwrap_err();
    assert_eq!(refused, Rejected::EntryTooLarge { max, got });
    let root = Ledger::root();
    let tx = Transaction::from(post(&root, b"x"));
    let kind = tx.kind();
    assert_eq!(root.admit(&root.sign(ALICE, tx)).unwrap_err(), Rejected::NotHere { kind });
}

#[test]
fn tokens_have_no_place_on_the_root() {
    let root = Ledger::root();
    let (id, create) = root.create_token(ALICE, 5, true);
    let rows: [Transaction; 5] = [
        create.into(),
        root.mint_token(ALICE, id, 1, BOB).into(),
        root.finalize_token(ALICE, id).into(),
        root.burn_token(ALICE, id, 1).into(),
        root.transfer_token(ALICE, id, 1, account(BOB)).into(),
    ];
    for tx in rows {
        let kind = tx.kind();
        assert_eq!(root.admit(&root.sign(ALICE, tx)).unwrap_err(), Rejected::NotHere { kind });
    }
}

#[test]
fn a_token_lives_from_its_definition_to_its_last_part() {
    let mut pair = Pair::funded();
    let (id, create) = pair.child.create_token(ALICE, 1_000, true);
    let made = pair.step(&[pair.child.sign(ALICE, create)]).unwrap();
    assert_eq!(made.receipts[0].created, [Id::Token(id)]);
    pair.step(&[pair.child.sign(ALICE, pair.child.transfer_token(ALICE, id, 300, account(BOB)))]).unwrap();
    pair.step(&[pair.child.sign(ALICE, pair.child.mint_token(ALICE, id, 50, CAROL))]).unwrap();
    let balances = |pair: &Pair| [ALICE, BOB, CAROL].map(|person| pair.child.tokens(id, person));
    assert_eq!(balances(&pair), [700, 300, 50]);
    pair.step(&[pair.child.sign(ALICE, pair.child.finalize_token(ALICE, id))]).unwrap();
    let again = pair.child.sign(ALICE, pair.child.mint_token(ALICE, id, 1, CAROL));
    assert_eq!(pair.child.admit(&again).unwrap_err(), Rejected::Finalized { token: id });
    let burnt = pair.step(&[pair.child.sign(BOB, pair.child.burn_token(BOB, id, 300))]).unwrap();
    let moved = Event::TokenMoved { token: id, from: Some(account(BOB)), to: None, amount: parts(300) };
    assert_eq!(burnt.events.last(), Some(&moved));
    let held = token(&mut pair.child.over(), id).unwrap().unwrap();
    assert_eq!((held.supply, held.mintable), (parts(750), false));
    let no_leaf = pair.child.state.leaves().any(|(at, _)| *at == key::token_balance(id, account(BOB)));
    assert!(!no_leaf, "what holds nothing has no leaf");
}

#[test]
fn a_token_sent_to_oneself_stays() {
    let mut pair = Pair::funded();
    let (id, create) = pair.child.create_token(ALICE, 10, false);
    pair.step(&[pair.child.sign(ALICE, create)]).unwrap();
    pair.step(&[pair.child.sign(ALICE, pair.child.transfer_token(ALICE, id, 10, account(ALICE)))]).unwrap();
    assert_eq!(pair.child.tokens(id, ALICE), 10);
}

#[test]
fn tokens_reject_in_the_written_order() {
    let mut pair = Pair::funded();
    let (id, create) = pair.child.create_token(ALICE, 10, true);
    pair.step(&[pair.child.sign(ALICE, create)]).unwrap();
    let (child, nobody) = (&pair.child, TokenId([9; 32]));
    let contract = Payee::Contract(ContractId([1; 32]));
    let wrong = TokenMint { to_id: contract, ..child.mint_token(BOB, nobody, 10u128.pow(30), BOB) };
    Wrong::new((BOB, wrong), |(signer, tx)| child.admit(&child.sign(*signer, tx.clone())))
        .says(Rejected::NoToken { token: nobody }, |(_, tx)| tx.token_id = id)
        .says(Rejected::NotOwner { owner: account(ALICE) }, |(signer, tx)| {
            (*signer, tx.owner_id, tx.nonce) = (ALICE, account(ALICE), child.nonce(ALICE));
        })
        .says(Rejected::NotPayable, |(_, tx)| tx.to_id = Payee::Account(account(BOB)))
        .says(Rejected::SupplyOverflow, |(_, tx)| tx.amount = parts(10u128.pow(30) - 10))
        .accepted();
    let wrong = TokenTransfer {
        payload: Bytes(vec![0; PAYLOAD_BYTES_MAX + 1]),
        to_id: contract,
        ..child.transfer_token(BOB, id, 1, account(CAROL))
    };
    let funds = |balance, needed| Rejected::TokenFunds { balance: parts(balance), needed: parts(needed) };
    Wrong::new((BOB, wrong), |(signer, tx)| child.admit(&child.sign(*signer, tx.clone())))
        .says(Rejected::PayloadTooLarge { max: PAYLOAD_BYTES_MAX, got: PAYLOAD_BYTES_MAX + 1 }, |(_, tx)| {
            tx.payload = Bytes::default();
        })
        .says(Rejected::NotPayable, |(_, tx)| tx.to_id = Payee::Account(account(CAROL)))
        .says(funds(0, 1), |(signer, tx)| {
            (*signer, tx.sender_id, tx.nonce, tx.amount) = (ALICE, account(ALICE), child.nonce(ALICE), parts(11));
        })
        .says(funds(10, 11), |(_, tx)| tx.token_id = nobody)
        .says(Rejected::NoToken { token: nobody }, |(_, tx)| (tx.token_id, tx.amount) = (id, parts(10)))
        .accepted();
    let burn = child.burn_token(BOB, id, 1);
    assert_eq!(child.admit(&child.sign(BOB, burn)).unwrap_err(), funds(0, 1));
    let finalize = child.finalize_token(BOB, id);
    assert_eq!(child.admit(&child.sign(BOB, finalize)).unwrap_err(), Rejected::NotOwner { owner: account(ALICE) });
}

#[test]
fn a_token_pays_for_ten_years_of_its_leaf() {
    let pair = Pair::funded();
    let (_, create) = pair.child.create_token(ALICE, 10, true);
    let size = Transaction::from(TokenCreate { fee: Amount::ZERO, ..create.clone() }).encode().len() as u128;
    let needed = (75_000 + 20 * size + 512 * 20 * 10) * 1_000_000_000;
    let tx = pair.child.sign(ALICE, TokenCreate { fee: Amount::ZERO, ..create });
    let got = Amount::ZERO;
    assert_eq!(pair.child.admit(&tx).unwrap_err(), Rejected::FeeTooLow { needed: units(needed), got });
}

#[test]
fn a_data_entry_belongs_to_who_was_given_it() {
    let mut root = Ledger::root();
    let (id, create) = root.create_entry(ALICE, b"title deed", Lifetime::Default);
    let made = root.micro(&[root.sign(ALICE, create)]).unwrap();
    assert_eq!(made.receipts[0].created, [Id::Entry(id)]);
    root.micro(&[root.sign(ALICE, root.transfer_entry(ALICE, id, BOB))]).unwrap();
    let held = entry(&mut root.over(), id).unwrap().unwrap();
    assert_eq!((held.owner, held.data.0, held.expiry), (account(BOB), b"title deed".to_vec(), Height(100_001)));
    let stolen = root.sign(ALICE, root.destroy_entry(ALICE, id));
    assert_eq!(root.admit(&stolen).unwrap_err(), Rejected::NotOwner { owner: account(BOB) });
    root.micro(&[root.sign(BOB, root.destroy_entry(BOB, id))]).unwrap();
    let gone = root.sign(BOB, root.transfer_entry(BOB, id, ALICE));
    assert_eq!(root.admit(&gone).unwrap_err(), Rejected::NoEntry { entry: id.into() });
    let stone = root.state.leaves().any(|(at, _)| *at == key::tombstone(id.into()));
    assert!(stone, "its id names nothing else");
}

#[test]
fn entries_reject_in_the_written_order() {
    let root = Ledger::root();
    let (max, rate) = (root.params.lifetime_max, 10_512_000); // heights of 3 seconds in a year
    let (_, create) = root.create_entry(ALICE, &vec![1; ENTRY_BYTES_MAX + 1], Lifetime::Forever);
    let rent = (256 + ENTRY_BYTES_MAX as u64).saturating_mul(max) * 20;
    let rent = rent.div_ceil(rate);
    let price = |gas: u64| units(u128::from(gas) * 1_000_000_000);
    let (_, at_last) = root.create_entry(ALICE, &vec![1; ENTRY_BYTES_MAX], Lifetime::Heights(max));
    let size = Transaction::from(EntryCreate { fee: price(1), ..at_last }).encode().len() as u64;
    Wrong::new(EntryCreate { fee: coins(1), ..create }, |tx| root.admit(&root.sign(ALICE, tx.clone())))
        .says(Rejected::Overflow, |tx| tx.lifetime = Lifetime::Heights(max + 1))
        .says(Rejected::EntryTooLarge { max: ENTRY_BYTES_MAX, got: ENTRY_BYTES_MAX + 1 }, |tx| {
            tx.data = Bytes(vec![1; ENTRY_BYTES_MAX]);
        })
        .says(Rejected::LifetimeTooLong { max, got: max + 1 }, |tx| {
            tx.lifetime = Lifetime::Heights(max);
            tx.fee = price(1);
        })
        .says(Rejected::FeeTooLow { needed: price(15_000 + 20 * size + rent), got: price(1) }, |tx| tx.fee = coins(1))
        .accepted();
}

#[test]
fn where_keeping_is_free_entries_may_live_for_ever() {
    let mut pair = Pair::funded();
    let (_, create) = pair.child.create_entry(ALICE, b"x", Lifetime::Forever);
    let tx = pair.child.sign(ALICE, create);
    assert_eq!(pair.child.admit(&tx).unwrap_err(), Rejected::Overflow);
    pair.child.params.rent_gas_per_byte_year = 0;
    let (id, _) = pair.child.create_entry(ALICE, b"x", Lifetime::Forever);
    pair.step(&[tx]).unwrap();
    assert_eq!(entry(&mut pair.child.over(), id).unwrap().unwrap().expiry, Lifetime::NEVER);
}

#[test]
fn a_payer_pays_fees_and_never_amounts() {
    let mut root = Ledger::root();
    let before = [ALICE, BOB, CAROL].map(|person| root.balance(person));
    let inner = root.inner(ALICE, root.spend(ALICE, account(BOB), coins(7)));
    let outcome = root.micro(&[root.sign(CAROL, root.pay_for(CAROL, inner.clone()))]).unwrap();
    let after = [ALICE, BOB, CAROL].map(|person| root.balance(person));
    let paid = |amount: Amount| amount.plus(FEE).unwrap().plus(FEE).unwrap();
    assert_eq!(after[0], before[0].minus(coins(7)).unwrap(), "the sender pays the amount");
    assert_eq!(after[1], before[1].plus(coins(7)).unwrap());
    assert_eq!(paid(after[2]), before[2], "the payer pays both fees");
    assert_eq!((root.nonce(ALICE), root.nonce(CAROL)), (Nonce(2), Nonce(2)));
    let [receipt] = &outcome.receipts[..] else { panic!("{:?}", outcome.receipts) };
    let nested = Receipt::decode(&receipt.calls[0].0).unwrap();
    assert_eq!(nested.tx_hash, inner.hash());
    let own = Gas(receipt.gas_used.0 - nested.gas_used.0);
    let outer = root.sign(CAROL, root.pay_for(CAROL, inner.clone()));
    assert_eq!(own, Gas(3_000 + 20 * (outer.unsigned_len() - inner.unsigned_len()) as u64));
}

#[test]
fn a_sender_that_somebody_pays_for_needs_no_account() {
    let mut root = Ledger::root();
    let (_, create) = root.create_entry(STRANGER, b"mine", Lifetime::Default);
    let inner = root.inner(STRANGER, create);
    root.micro(&[root.sign(ALICE, root.pay_for(ALICE, inner))]).unwrap();
    assert_eq!((root.nonce(STRANGER), root.balance(STRANGER)), (Nonce(2), Amount::ZERO));
}

#[test]
fn payers_reject_in_the_written_order() {
    let root = Ledger::root();
    let spend = root.spend(STRANGER, account(BOB), coins(1));
    let balance = root.balance(CAROL);
    let twice = root.inner(CAROL, root.pay_for(CAROL, root.inner(STRANGER, spend.clone())));
    let outer = |tx: &PayingFor| root.sign(CAROL, tx.clone());
    let wrapping = outer(&root.pay_for(CAROL, twice));
    assert_eq!(root.admit(&wrapping).unwrap_err(), Rejected::Wrapping);
    // Fee of the outer, fee of the inner, ttl of the inner, and who signed the inner for what.
    let cheap = Spend { fee: Amount::ZERO, ttl: Height(0), ..spend.clone() };
    let rows: [(Spend, bool, Rejected); 6] = [
        (cheap, true, Rejected::FeeTooLow { needed: units(0), got: Amount::ZERO }),
        (Spend { ttl: Height(0), nonce: Nonce(9), ..spend.clone() }, false, Rejected::BadSignature),
        (Spend { nonce: Nonce(2), ..spend.clone() }, true, Rejected::NonceEarly { expected: Nonce(1), got: Nonce(2) }),
        (
            Spend { fee: balance, ..spend.clone() },
            true,
            Rejected::Funds { balance, needed: balance.plus(FEE).unwrap() },
        ),
        (spend.clone(), true, Rejected::Funds { balance: Amount::ZERO, needed: coins(1) }),
        (Spend { amount: Amount::ZERO, recipient_id: Payee::Account(account(98)), ..spend }, true, Rejected::Dust),
    ];
    for (spend, for_a_payer, expected) in rows {
        let inner = if for_a_payer { root.inner(STRANGER, spend) } else { root.sign(STRANGER, spend) };
        let why = root.admit(&outer(&root.pay_for(CAROL, inner))).unwrap_err();
        match (&why, &expected) {
            (Rejected::FeeTooLow { got, .. }, Rejected::FeeTooLow { got: expected, .. }) => assert_eq!(got, expected),
            _ => assert_eq!(why, expected),
        }
    }
}

#[test]
fn a_signature_for_a_payer_is_good_for_a_payer_alone() {
    let root = Ledger::root();
    let spend = root.spend(ALICE, account(BOB), coins(1));
    let inner = root.inner(ALICE, spend.clone());
    assert_eq!(root.admit(&inner).unwrap_err(), Rejected::BadSignature);
    let bare = SignedTx::assemble(spend.into(), vec![]);
    let why = root.admit(&root.sign(CAROL, root.pay_for(CAROL, bare))).unwrap_err();
    assert_eq!(why, Rejected::BadSignature, "nobody speaks for the sender");
    let more = SignedTx::assemble(inner.transaction().clone(), vec![inner.signatures()[0], Signature([7; 64])]);
    let why = root.admit(&root.sign(CAROL, root.pay_for(CAROL, more))).unwrap_err();
    assert_eq!(why, Rejected::BadSignature);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn tokens_are_neither_made_nor_lost(moves in vec((0u8..3, 1u8..4, 1u8..4, 0u128..60), 1..25)) {
        // Ledger::check, after every block, sums up all tokens; here stands who has what.
        let mut pair = Pair::funded();
        let (id, create) = pair.child.create_token(ALICE, 100, true);
        pair.step(&[pair.child.sign(ALICE, create)]).unwrap();
        let mut model = [0u128, 100, 0, 0];
        for (kind, from, to, amount) in moves {
            // Carol has no coins here.
            let from = from.min(BOB);
            let (payer, payee) = (usize::from(from), usize::from(to));
            let tx = match kind {
                0 => pair.child.sign(from, pair.child.transfer_token(from, id, amount, account(to))),
                1 => pair.child.sign(from, pair.child.mint_token(from, id, amount, to)),
                _ => pair.child.sign(from, pair.child.burn_token(from, id, amount)),
            };
            let goes = if kind == 1 { from == ALICE } else { amount <= model[payer] };
            prop_assert_eq!(pair.step(&[tx]).is_ok(), goes);
            if goes {
                if kind != 1 { model[payer] -= amount; }
                if kind != 2 { model[payee] += amount; }
            }
            for person in 1..4u8 {
                prop_assert_eq!(pair.child.tokens(id, person), model[usize::from(person)]);
            }
        }
        let sum: u128 = model.iter().sum();
        prop_assert_eq!(token(&mut pair.child.over(), id).unwrap().unwrap().supply, parts(sum));
    }
}
