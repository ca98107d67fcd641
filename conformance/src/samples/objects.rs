//! Fixed values of contracts, tokens and entries.

use banyan_ledger::{
    Account, BlobPlace, Contract, Entry, Generalized, SweepItem, SweepKind, SweepQueue, Template, Token,
};
use banyan_types::{
    AuthHashInput, Bytes, CodeObject, ContractBytes, ContractId, Decimals, EntryId, FATE, Gas, GasPrice, Height,
    Lifetime, NoTypes, Nonce, Payee, Symbol, Target, TokenAmount, TokenId,
    tx::{
        BlobPost, ContractCall, ContractCreate, ContractCreateV2, EntryCreate, EntryDestroy, EntryTransfer, Extend,
        GaAttach, GaMeta, PayingFor, SignedTx, TokenBurn, TokenCreate, TokenFinalize, TokenMint, TokenTransfer,
        Transaction, Wrapped, inner_network,
    },
};

use super::{NETWORK, account, amount, fill, hash, secret, signer, spend};

pub const fn parts(base: u128) -> TokenAmount {
    TokenAmount(amount(base))
}

fn symbol() -> Symbol {
    Symbol::new("CAP").expect("three letters")
}

fn decimals() -> Decimals {
    Decimals::new(6).expect("at most 30")
}

pub fn contract_create() -> ContractCreate {
    ContractCreate {
        owner_id: signer(),
        nonce: Nonce(101),
        code: ContractBytes(vec![1, 2, 3]),
        ct_version: FATE,
        fee: amount(1_001),
        ttl: Height(601),
        deposit: amount(1_002),
        amount: amount(1_003),
        gas: Gas(1_004),
        gas_price: GasPrice(1_005),
        call_data: ContractBytes(vec![4, 5]),
    }
}

pub fn contract_create_v2() -> ContractCreateV2 {
    ContractCreateV2 {
        owner_id: signer(),
        nonce: Nonce(102),
        code: ContractBytes(vec![6, 7, 8]),
        ct_version: FATE,
        fee: amount(1_011),
        ttl: Height(602),
        deposit: amount(1_012),
        amount: amount(1_013),
        gas: Gas(1_014),
        gas_price: GasPrice(1_015),
        call_data: ContractBytes(vec![9, 10]),
        lifetime: Lifetime::Heights(1_016),
        source: Bytes(b"contract C".to_vec()),
    }
}

pub fn contract_call() -> ContractCall {
    ContractCall {
        caller_id: signer(),
        nonce: Nonce(103),
        contract_id: ContractId(fill(100)),
        abi_version: 3,
        fee: amount(1_021),
        ttl: Height(603),
        amount: amount(1_022),
        gas: Gas(1_023),
        gas_price: GasPrice(1_024),
        call_data: ContractBytes(vec![11, 12]),
    }
}

pub fn attach() -> GaAttach {
    GaAttach {
        owner_id: signer(),
        nonce: Nonce(104),
        code: ContractBytes(vec![13, 14]),
        auth_fun: hash(101),
        ct_version: FATE,
        fee: amount(1_031),
        ttl: Height(604),
        gas: Gas(1_032),
        gas_price: GasPrice(1_033),
        call_data: ContractBytes(vec![15, 16]),
    }
}

pub fn meta() -> GaMeta {
    GaMeta {
        ga_id: signer(),
        auth_data: ContractBytes(vec![17, 18]),
        abi_version: 3,
        fee: amount(1_041),
        gas: Gas(1_042),
        gas_price: GasPrice(1_043),
        tx: Wrapped::new(SignedTx::unsigned_inside(spend().into())),
    }
}

pub fn paying_for() -> PayingFor {
    let inner = Transaction::from(spend()).sign(&inner_network(NETWORK), &secret());
    PayingFor { payer_id: account(102), nonce: Nonce(105), fee: amount(1_051), tx: Wrapped::new(inner) }
}

pub fn extend() -> Extend {
    Extend {
        sender_id: signer(),
        target_id: Target::Entry(EntryId(fill(103))),
        heights: 1_061,
        ttl: Height(606),
        fee: amount(1_062),
        nonce: Nonce(106),
    }
}

pub fn token_create() -> TokenCreate {
    TokenCreate {
        owner_id: signer(),
        symbol: symbol(),
        decimals: decimals(),
        amount: parts(1_071),
        mintable: true,
        ttl: Height(607),
        fee: amount(1_072),
        nonce: Nonce(107),
    }
}

pub fn token_mint() -> TokenMint {
    TokenMint {
        owner_id: signer(),
        token_id: TokenId(fill(104)),
        amount: parts(1_081),
        to_id: Payee::Account(account(105)),
        ttl: Height(608),
        fee: amount(1_082),
        nonce: Nonce(108),
    }
}

pub fn token_finalize() -> TokenFinalize {
    TokenFinalize {
        owner_id: signer(),
        token_id: TokenId(fill(106)),
        ttl: Height(609),
        fee: amount(1_091),
        nonce: Nonce(109),
    }
}

pub fn token_burn() -> TokenBurn {
    TokenBurn {
        sender_id: signer(),
        token_id: TokenId(fill(107)),
        amount: parts(1_101),
        ttl: Height(610),
        fee: amount(1_102),
        nonce: Nonce(110),
    }
}

pub fn token_transfer() -> TokenTransfer {
    TokenTransfer {
        sender_id: signer(),
        token_id: TokenId(fill(108)),
        amount: parts(1_111),
        to_id: Payee::Account(account(109)),
        payload: Bytes(b"rent".to_vec()),
        ttl: Height(611),
        fee: amount(1_112),
        nonce: Nonce(111),
    }
}

pub fn entry_create() -> EntryCreate {
    EntryCreate {
        owner_id: signer(),
        data: Bytes(b"title deed".to_vec()),
        lifetime: Lifetime::Forever,
        ttl: Height(612),
        fee: amount(1_121),
        nonce: Nonce(112),
    }
}

pub fn blob_post() -> BlobPost {
    BlobPost {
        sender_id: signer(),
        data: Bytes(b"a blob".to_vec()),
        ttl: Height(614),
        fee: amount(1_141),
        nonce: Nonce(114),
    }
}

pub fn entry_transfer() -> EntryTransfer {
    EntryTransfer {
        owner_id: signer(),
        entry_id: EntryId(fill(110)),
        to_id: account(111),
        ttl: Height(613),
        fee: amount(1_131),
        nonce: Nonce(113),
    }
}

pub fn entry_destroy() -> EntryDestroy {
    EntryDestroy {
        owner_id: signer(),
        entry_id: EntryId(fill(112)),
        ttl: Height(614),
        fee: amount(1_141),
        nonce: Nonce(114),
    }
}

pub fn code() -> CodeObject {
    CodeObject {
        source_hash: hash(113),
        type_info: NoTypes,
        byte_code: ContractBytes(vec![19, 20]),
        compiler_version: "8.0.1".into(),
        payable: true,
    }
}

pub fn auth_hash_input() -> AuthHashInput {
    AuthHashInput { fee: amount(1_151), gas_price: GasPrice(1_152), tx_hash: hash(114) }
}

pub fn generalized() -> Account {
    let generalized = Some(Generalized { contract: ContractId(fill(115)), auth_fun: hash(116) });
    Account { nonce: Nonce(115), balance: amount(1_161), payable: true, generalized }
}

pub fn not_payable() -> Account {
    Account { nonce: Nonce(116), balance: amount(1_171), payable: false, generalized: None }
}

pub fn contract(template: Option<ContractId>) -> Contract {
    Contract {
        owner: Payee::Account(account(117)),
        ct_version: FATE,
        code_hash: hash(118),
        source_hash: hash(119),
        visible: true,
        template: Template(template),
        deposit: amount(1_181),
        expiry: Height(615),
        store_entries: 1_182,
        store_bytes: 1_183,
    }
}

pub fn entry() -> Entry {
    Entry { owner: account(122), data: Bytes(vec![21, 22]), expiry: Height(616) }
}

pub fn token() -> Token {
    Token { owner: account(123), symbol: symbol(), decimals: decimals(), supply: parts(1_191), mintable: false }
}

pub fn sweep_queue() -> SweepQueue {
    let item = |kind, first, from, to| SweepItem { kind, id: hash(first), from, to };
    SweepQueue { items: vec![item(SweepKind::Store, 124, 0, 5), item(SweepKind::Inbox, 125, 6, 7)] }
}

pub const fn blob_place() -> BlobPlace {
    BlobPlace { height: Height(1_201), index: 7 }
}
