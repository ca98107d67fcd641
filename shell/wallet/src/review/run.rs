//! Transactions that run contracts or keep them alive, in the words of the contract's source.

use banyan_fate::{abi::decode_call, code};
use banyan_ledger::rules::intrinsic_gas;
use banyan_types::{
    AccountId, Amount, ContractBytes, ContractId, Gas, GasPrice, Lifetime,
    tx::{ContractCall, GaAttach, GaMeta, Transaction},
};

use super::{Place, Shown};
use crate::aci::{Function, Interface};

/// Where interfaces of contracts come from.
pub trait Interfaces {
    /// The interface of a contract that is on the ledger.
    fn of_contract(&self, id: ContractId) -> Option<Interface>;

    /// The interface of the contract that an account is under.
    fn of_account(&self, _: AccountId) -> Option<Interface> {
        None
    }

    /// The interface of a code object.
    fn of_code(&self, code: &[u8]) -> Option<Interface> {
        code::load(code).ok().map(|code| Interface::of_code(&code))
    }
}

/// None but what code says of itself.
pub struct NoInterfaces;

impl Interfaces for NoInterfaces {
    fn of_contract(&self, _: ContractId) -> Option<Interface> {
        None
    }
}

/// What making a contract says, in either of its forms.
struct Making<'a> {
    code: &'a ContractBytes,
    call_data: &'a ContractBytes,
    gas: Gas,
    gas_price: GasPrice,
    lifetime: Lifetime,
    source_bytes: usize,
}

impl Shown<'_> {
    /// Show a transaction that is about a contract. Whether it is.
    pub(super) fn run(&mut self, tx: &Transaction, depth: usize) -> bool {
        match tx {
            Transaction::ContractCreate(create) => {
                self.line(depth, "from", &create.owner_id.to_string());
                self.making(
                    depth,
                    tx,
                    &Making {
                        code: &create.code,
                        call_data: &create.call_data,
                        gas: create.gas,
                        gas_price: create.gas_price,
                        lifetime: Lifetime::Default,
                        source_bytes: 0,
                    },
                );
            }
            Transaction::ContractCreateV2(create) => {
                self.line(depth, "from", &create.owner_id.to_string());
                self.making(
                    depth,
                    tx,
                    &Making {
                        code: &create.code,
                        call_data: &create.call_data,
                        gas: create.gas,
                        gas_price: create.gas_price,
                        lifetime: create.lifetime,
                        source_bytes: create.source.0.len(),
                    },
                );
            }
            Transaction::ContractCall(call) => self.call(depth, call),
            Transaction::GaAttach(attach) => self.attach(depth, attach),
            Transaction::GaMeta(meta) => self.meta(depth, meta),
            Transaction::PayingFor(paying) => self.line(depth, "payer", &paying.payer_id.to_string()),
            Transaction::Extend(extend) => {
                self.line(depth, "from", &extend.sender_id.to_string());
                self.line(depth, "object", &extend.target_id.to_string());
                self.line(depth, "lifetime", &format!("{} longer", heights(extend.heights, self.place)));
                self.rent(depth, tx);
            }
            _ => return false,
        }
        true
    }

    fn call(&mut self, depth: usize, call: &ContractCall) {
        self.line(depth, "from", &call.caller_id.to_string());
        self.line(depth, "contract", &call.contract_id.to_string());
        let interface = self.interfaces.of_contract(call.contract_id);
        self.function(depth, interface.as_ref(), &call.call_data.0);
        self.gas(depth, call.gas, call.gas_price);
    }

    fn attach(&mut self, depth: usize, attach: &GaAttach) {
        self.line(depth, "account", &attach.owner_id.to_string());
        let interface = self.interfaces.of_code(&attach.code.0);
        let asks = interface.as_ref().and_then(|interface| {
            let [a, b, c, d, ..] = attach.auth_fun.0;
            interface.by_id([a, b, c, d]).map(Function::signature)
        });
        self.line(depth, "asks", &asks.unwrap_or_else(|| format!("function {}", attach.auth_fun)));
        self.code(depth, &attach.code);
        self.function(depth, interface.as_ref(), &attach.call_data.0);
        self.gas(depth, attach.gas, attach.gas_price);
        self.line(depth, "lifetime", "for ever, as the account's");
    }

    fn meta(&mut self, depth: usize, meta: &GaMeta) {
        self.line(depth, "account", &meta.ga_id.to_string());
        // Which contract the account is under, the transaction does not say.
        let interface = self.interfaces.of_account(meta.ga_id);
        let shown = interface.and_then(|interface| interface.show_call(&meta.auth_data.0));
        let asked = shown.unwrap_or_else(|| match decode_call(&meta.auth_data.0) {
            Ok((id, arguments)) => {
                format!("function 0x{} of its contract, {} arguments", hex::encode(id), arguments.len())
            }
            Err(_) => "its contract, with data that are no call".to_owned(),
        });
        self.line(depth, "asks", &asked);
        self.gas(depth, meta.gas, meta.gas_price);
    }

    fn making(&mut self, depth: usize, tx: &Transaction, making: &Making<'_>) {
        self.code(depth, making.code);
        let interface = self.interfaces.of_code(&making.code.0);
        self.function(depth, interface.as_ref(), &making.call_data.0);
        let source = match making.source_bytes {
            0 => "not kept".into(),
            bytes => format!("kept for all to read, {bytes} bytes"),
        };
        self.line(depth, "source", &source);
        let lifetime = match making.lifetime {
            Lifetime::Default => "the ledger's default, which the fee covers; it can be extended".into(),
            Lifetime::Heights(count) => heights(count, self.place),
            Lifetime::Forever => "for ever".into(),
        };
        self.line(depth, "lifetime", &lifetime);
        if making.lifetime != Lifetime::Default {
            self.rent(depth, tx);
        }
        self.gas(depth, making.gas, making.gas_price);
    }

    fn code(&mut self, depth: usize, code: &ContractBytes) {
        let compiler = code::CodeObject::decode(&code.0).map_or_else(
            |error| format!("not readable: {error}"),
            |object| format!("compiler {}", String::from_utf8_lossy(&object.compiler)),
        );
        let hash = crate::client::contract::code_hash(&code.0);
        self.line(depth, "code", &format!("{} bytes, {compiler}, hash {hash}", code.0.len()));
    }

    fn function(&mut self, depth: usize, interface: Option<&Interface>, call_data: &[u8]) {
        let shown = interface.and_then(|interface| interface.show_call(call_data)).unwrap_or_else(|| {
            self.is_blind = true;
            match decode_call(call_data) {
                Ok((id, _)) => format!("0x{} (no interface known)", hex::encode(id)),
                Err(_) => format!("none: {} bytes that are no call", call_data.len()),
            }
        });
        self.line(depth, "function", &shown);
    }

    fn gas(&mut self, depth: usize, gas: Gas, price: GasPrice) {
        let most = price.0.checked_mul(u128::from(gas.0)).and_then(Amount::new).unwrap_or(Amount::MAX);
        self.line(depth, "gas", &format!("{gas} at most, at {price} units: {most} BNY; what is not used comes back"));
    }

    /// What of the fee is above the price of being included.
    fn rent(&mut self, depth: usize, tx: &Transaction) {
        let intrinsic = intrinsic_gas(tx, tx.encode().len());
        let included =
            self.place.gas_price.zip(intrinsic).and_then(|(price, gas)| price.0.checked_mul(u128::from(gas.0)));
        let rent = included.and_then(Amount::new).and_then(|included| tx.fee().minus(included));
        self.line(
            depth,
            "rent",
            &rent.map_or_else(|| "part of the fee".into(), |rent| format!("{rent} BNY of the fee")),
        );
    }
}

/// Heights as a number and, where the ledger's pace is known, as time.
fn heights(count: u64, place: &Place) -> String {
    match place.interval_ms {
        0 => format!("{count} heights"),
        interval => format!("{count} heights, about {}", crate::time::span(count.saturating_mul(interval) / 1_000)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        review::Review,
        testing::{account, coins, terms},
        tx::contract::{self, Keeping, Run},
    };
    use banyan_fate::abi;
    use banyan_types::{
        ContractBytes, Height, Nonce, Payee, Target,
        tx::{PayingFor, SignedTx, Wrapped},
    };

    const CODE: &str = include_str!("../../../banyan/tests/data/Counter.aeb");
    const ACI: &str = include_str!("../../../banyan/tests/data/Counter.json");

    /// One contract that is known in full.
    struct Counter;

    impl Interfaces for Counter {
        fn of_contract(&self, id: ContractId) -> Option<Interface> {
            (id == ContractId([7; 32])).then(|| Interface::parse(ACI).unwrap())
        }

        fn of_account(&self, id: AccountId) -> Option<Interface> {
            (id == account(5)).then(|| Interface::parse(ACI).unwrap())
        }
    }

    fn place() -> Place {
        Place {
            ledger: "root".into(),
            network_id: "banyan_test".into(),
            height: Some(Height(10)),
            interval_ms: 3_000,
            gas_price: Some(GasPrice(1_000_000_000)),
        }
    }

    fn shown(tx: &Transaction) -> (String, bool) {
        let review = Review::with(&tx.encode(), &place(), &Counter).unwrap();
        (review.to_string(), review.is_blind())
    }

    fn run(function: &str, arguments: &[&str]) -> Run {
        let arguments: Vec<_> = arguments.iter().map(|&one| one.to_owned()).collect();
        let call_data = Interface::parse(ACI).unwrap().call_data(function, &arguments, &crate::aci::nobody).unwrap();
        Run { call_data, amount: coins(2), gas: Gas(10_000) }
    }

    fn has(shown: &str, rows: &[(&str, &str)]) {
        for (label, value) in rows {
            let is = |line: &str| line.trim_start().strip_prefix(label).is_some_and(|rest| rest.trim_start() == *value);
            assert!(shown.lines().any(is), "no {label} {value} in\n{shown}");
        }
    }

    #[test]
    fn a_call_is_shown_in_the_words_of_its_source() {
        let call = contract::call(account(1), ContractId([7; 32]), &run("count", &["5"]), &terms(1)).unwrap();
        let (text, blind) = shown(&call);
        assert!(!blind);
        has(
            &text,
            &[
                ("contract", &ContractId([7; 32]).to_string()),
                ("function", "count(by = 5)"),
                ("amount", "2 BNY"),
                ("gas", "10000 at most, at 1000000000 units: 0.00001 BNY; what is not used comes back"),
            ],
        );
    }

    #[test]
    fn a_call_of_which_nothing_is_known_is_called_that() {
        let call = contract::call(account(1), ContractId([8; 32]), &run("count", &["5"]), &terms(1)).unwrap();
        let (text, blind) = shown(&call);
        let id = format!("0x{} (no interface known)", hex::encode(abi::function_id("count")));
        has(&text, &[("function", &id)]);
        assert!(blind);
    }

    #[test]
    fn what_is_made_says_how_long_it_lives_and_what_that_costs() {
        let code = abi::from_text(CODE.trim()).unwrap();
        let keeping = Keeping { lifetime: Some(525_600), source: Some(vec![b'a'; 100]) };
        let make = contract::create(account(1), &code, &run("init", &["3"]), &keeping, &terms(1)).unwrap();
        let (text, blind) = shown(&make);
        assert!(!blind, "code says what its functions are");
        has(
            &text,
            &[
                ("function", "init(3)"),
                ("source", "kept for all to read, 100 bytes"),
                ("lifetime", &format!("525600 heights, about {}", crate::time::span(525_600 * 3))),
            ],
        );
        assert!(text.contains("rent") && text.contains("compiler 8.0.0"), "{text}");
        let extend =
            contract::extend(account(1), Target::Contract(ContractId([7; 32])), 100, Gas(500), &terms(1)).unwrap();
        has(
            &shown(&extend).0,
            &[("lifetime", "100 heights, about 5 min longer"), ("rent", "0.0000005 BNY of the fee")],
        );
    }

    #[test]
    fn what_stands_inside_is_shown_below() {
        let spend = crate::tx::spend(account(1), Payee::Account(account(2)), coins(3), &terms(0)).unwrap();
        let meta = |ga_id, auth_data| GaMeta {
            ga_id,
            auth_data: ContractBytes(auth_data),
            abi_version: 3,
            fee: coins(1),
            gas: Gas(50),
            gas_price: GasPrice(1_000_000_000),
            tx: Wrapped::new(SignedTx::unsigned_inside(spend.clone())),
        };
        let paying = PayingFor {
            payer_id: account(3),
            nonce: Nonce(9),
            fee: coins(1),
            tx: Wrapped::new(SignedTx::unsigned_inside(meta(account(1), abi::encode_call(*b"abcd", vec![])).into())),
        };
        let (text, _) = shown(&paying.into());
        has(
            &text,
            &[
                ("payer", &account(3).to_string()),
                ("account", &account(1).to_string()),
                ("asks", "function 0x61626364 of its contract, 0 arguments"),
                ("to", &account(2).to_string()),
                ("amount", "3 BNY"),
            ],
        );
        assert!(text.contains("\n    amount"), "two levels deep: {text}");
        let known = meta(account(5), run("count", &["5"]).call_data);
        has(&shown(&known.into()).0, &[("asks", "count(by = 5)")]);
    }
}
