//! The reference's scenarios once more, each step a signed transaction on a ledger: money, stores, results, gas and events
//! are those of the reference.

use std::{collections::BTreeMap, fs, path::Path};

use banyan_crypto::SecretKey;
use banyan_ledger::{
    Account, Base as _, BlockHash, Clock, Execution, Genesis, GenesisAccount, Invalid, MapState, Overlay, Params,
    Rejected, RootRules, State as _, Verified, check_totals, genesis_state, key, rules,
};
use banyan_types::{
    AccountId, Amount, AssociateId, AuthHashInput, Bytes, ContractBytes, ContractId, FATE, Gas, GasPrice, Hash, Height,
    Nonce, PublicKey, Receipt, Status, TimeMs,
    tx::{ContractCall, ContractCreate, GaAttach, GaMeta, SignedTx, Transaction, Wrapped},
};
use serde_json::Value;

/// Calls that ask for what a state cannot hold: the difficulty of the running key block, and its hash. Ours are 0 and nothing,
/// which costs other gas.
const BEYOND_THE_STATE: [&str; 2] = ["chainenv block", "chainenv old_hash"];

struct World {
    file: Value,
    params: Params,
    state: MapState,
    names: BTreeMap<String, [u8; 32]>,
    fee: Amount,
    returned: Option<[u8; 32]>,
    /// What the gas of such calls has made of balances.
    off: BTreeMap<String, i128>,
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn number(value: &Value, field: &str) -> u128 {
    match value.get(field) {
        Some(Value::String(text)) => text.parse().unwrap(),
        Some(value) => value.as_u64().unwrap().into(),
        None => 0,
    }
}

fn bytes(value: &Value, field: &str) -> Vec<u8> {
    hex::decode(text(value, field)).unwrap()
}

fn id(value: &Value, field: &str) -> [u8; 32] {
    bytes(value, field).try_into().unwrap()
}

fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value.get(field).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn secret(name: &str) -> SecretKey {
    SecretKey::from_seed(banyan_crypto::blake2b(&[name.as_bytes()]))
}

fn amount(base: u128) -> Amount {
    Amount::new(base).unwrap()
}

impl World {
    fn new(file: Value) -> Self {
        let env = file["environment"].clone();
        let root = RootRules {
            supply_cap: Amount::MAX,
            maturity: 5,
            era: 20,
            emission: vec![],
            tail_div: 10_000_000_000,
            stake: None,
            anchors: banyan_ledger::Anchors::default(),
        };
        let params = Params {
            network_id: text(&env, "network_id").into(),
            ledger: AssociateId::ZERO,
            height_interval_ms: 180_000,
            gas_price_min: GasPrice(1_000_000_000),
            gas_per_tx_max: Gas(number(&env, "block_gas_limit").try_into().unwrap()),
            gas_per_block_max: Gas(60_000_000),
            auth_gas_max: Gas(50_000),
            rent_gas_per_byte_year: 20,
            lifetime_default: 1_000_000,
            lifetime_max: 2_000_000,
            grace: 1_000,
            root: Some(root),
            committee: banyan_types::rlp::Tail(None),
        };
        let accounts = list(&file, "accounts");
        let balance = |row: &Value| GenesisAccount {
            account: AccountId(id(row, "pubkey")),
            balance: amount(number(row, "balance")),
        };
        let genesis = Genesis {
            name: "root".into(),
            profile: "dev".into(),
            time: TimeMs(0),
            params: params.clone(),
            engine: Bytes::default(),
            accounts: accounts.iter().map(balance).collect(),
            witnesses: vec![],
            associates: vec![],
        };
        let mut state = MapState::default();
        state.commit(&genesis_state(&genesis).unwrap());
        let names = accounts.iter().map(|row| (text(row, "name").to_owned(), id(row, "pubkey"))).collect();
        Self { fee: amount(number(&env, "tx_fee")), file, params, state, names, returned: None, off: BTreeMap::new() }
    }

    /// Stand at the step's height, with the caller at the step's nonce: steps that the reference drops use none.
    fn prepare(&mut self, step: &Value) {
        let height = u64::try_from(number(step, "height")).unwrap();
        let mut over = Overlay::new(std::mem::take(&mut self.state));
        let clock = Clock {
            height: Height(height),
            time: TimeMs(1_700_000_000_000 + 180_000 * height - 180_000_000),
            prev_hash: Hash::ZERO,
            beneficiary: AccountId(id(&self.file["environment"], "beneficiary")),
            leader: PublicKey::ZERO,
        };
        over.put(key::clock(), Some(clock.encode()));
        for below in height - 256..height {
            let ring = BlockHash { height: Height(below), hash: Hash::ZERO };
            over.put(key::block_hash(Height(below)), Some(ring.encode()));
        }
        if let (Some(caller), true) = (self.names.get(text(step, "caller")), step.get("nonce").is_some()) {
            let at = key::account(AccountId(*caller));
            let held = over.get(&at).unwrap().map_or(Account::EMPTY, |bytes| Account::decode(&bytes).unwrap());
            let nonce = Nonce(u64::try_from(number(step, "nonce")).unwrap() - 1);
            over.put(at, Some(Account { nonce, ..held }.encode()));
        }
        let (state, changes) = over.into_parts();
        self.state = state;
        self.state.commit(&changes);
    }

    fn transaction(&self, step: &Value) -> Transaction {
        let owner_id = AccountId(self.names[text(step, "caller")]);
        let nonce = Nonce(u64::try_from(number(step, "nonce")).unwrap());
        let gas = Gas(u64::try_from(number(step, "gas_limit")).unwrap());
        let (gas_price, ttl, fee) = (GasPrice(1_000_000_000), Height(0), self.fee);
        let call_data = ContractBytes(bytes(step, "calldata"));
        let code = || {
            let name = text(step, "contract").trim_end_matches(".aes");
            let row =
                list(&self.file, "contracts").iter().find(|row| text(row, "file").trim_end_matches(".aes") == name);
            ContractBytes(bytes(row.unwrap(), "contract_object"))
        };
        let sent = amount(number(step, "amount"));
        match text(step, "op") {
            "create" => ContractCreate {
                owner_id,
                nonce,
                code: code(),
                ct_version: FATE,
                fee,
                ttl,
                deposit: Amount::ZERO,
                amount: sent,
                gas,
                gas_price,
                call_data,
            }
            .into(),
            "ga_attach" => {
                let auth_fun = Hash(id(step, "auth_fun_hash"));
                let (code, ct_version) = (code(), FATE);
                GaAttach { owner_id, nonce, code, auth_fun, ct_version, fee, ttl, gas, gas_price, call_data }.into()
            }
            "call" => ContractCall {
                caller_id: owner_id,
                nonce,
                contract_id: ContractId(id(step, "contract_pubkey")),
                abi_version: 3,
                fee,
                ttl,
                amount: sent,
                gas,
                gas_price,
                call_data,
            }
            .into(),
            "ga_meta_spend" => {
                let inner = Transaction::decode(&bytes(step, "inner_tx")).unwrap();
                let fee = amount(number(step, "meta_fee"));
                let shown = AuthHashInput::new(&self.params.network_id, &inner.encode(), fee, gas_price);
                assert_eq!(hex::encode(shown.hash().0), text(step, "auth_tx_hash"));
                GaMeta {
                    ga_id: owner_id,
                    auth_data: ContractBytes(bytes(step, "auth_data")),
                    abi_version: 3,
                    fee,
                    gas,
                    gas_price,
                    tx: Wrapped::new(SignedTx::unsigned_inside(inner)),
                }
                .into()
            }
            other => panic!("{other}"),
        }
    }

    fn push(&self, tx: &SignedTx) -> Result<(Receipt, MapState), Rejected> {
        let checked = Verified::check(tx.clone(), &self.params.network_id)?;
        let mut over = Overlay::new(self.state.clone());
        let mut execution = Execution::micro(&mut over, &self.params).unwrap();
        match execution.push(&checked) {
            Ok(()) => {}
            Err(Invalid::Transaction { why, .. }) => return Err(why),
            Err(other) => panic!("{other}"),
        }
        let receipt = execution.finish().unwrap().receipts.remove(0);
        let undo = over.undo().unwrap();
        let (mut state, changes) = over.into_parts();
        state.commit(&changes);
        let mut unwound = state.clone();
        unwound.commit(&undo);
        assert_eq!(unwound.root(), self.state.root(), "unwound is not what was there before");
        check_totals(state.leaves().map(|(_, value)| value)).unwrap();
        Ok((receipt, state))
    }

    fn balance(&self, id: [u8; 32]) -> i128 {
        let held = self.state.read(&key::account(AccountId(id))).unwrap();
        held.map_or(0, |bytes| i128::try_from(Account::decode(&bytes).unwrap().balance.base()).unwrap())
    }

    /// From now on balances differ by what they differ by now.
    fn forgive(&mut self, step: &Value) {
        for (name, theirs) in step["post"]["balances"].as_object().into_iter().flatten() {
            let theirs: i128 = theirs.as_str().unwrap().parse().unwrap();
            self.off.insert(name.clone(), self.balance(self.names[name]) - theirs);
        }
    }

    /// What differs from the reference.
    fn step(&mut self, step: &Value) -> Vec<String> {
        if text(step, "op") == "height" {
            return vec![];
        }
        self.prepare(step);
        let (tx, expected) = (self.transaction(step), &step["result"]);
        let signed = match &tx {
            Transaction::GaMeta(_) => SignedTx::unsigned_inside(tx),
            _ => tx.sign(&self.params.network_id, &secret(text(step, "caller"))),
        };
        let outcome = self.push(&signed);
        let (receipt, state) = match (outcome, text(expected, "status")) {
            (Err(Rejected::AuthFailed | Rejected::AuthRepeated { .. }), "rejected") => return self.differs(step),
            // The reference crashes and drops it; ours fails, and costs.
            (Ok((receipt, _)), "invalid_tx") if receipt.status == Status::Error => return self.differs(step),
            (Ok(kept), _) => kept,
            (Err(why), _) => return vec![format!("refused: {why}")],
        };
        self.state = state;
        let mut differs = compare(&signed, &receipt, expected, text(step, "op"));
        if let Some(id) = last_id(&bytes(expected, "return_data")) {
            self.returned = Some(id);
        }
        if step.get("contract_pubkey").is_some() {
            self.names.insert(text(step, "instance").to_owned(), id(step, "contract_pubkey"));
        }
        for field in ["balances", "stores"] {
            for name in step["post"][field].as_object().into_iter().flatten().map(|(name, _)| name) {
                if let (false, Some(id)) = (self.names.contains_key(name), self.returned) {
                    self.names.insert(name.clone(), id);
                }
            }
        }
        differs.extend(self.differs(step));
        differs
    }

    fn differs(&self, step: &Value) -> Vec<String> {
        let named = |name: &String| self.names.get(name).copied().or(self.returned).unwrap_or_default();
        let mut differs = vec![];
        for (name, theirs) in step["post"]["balances"].as_object().into_iter().flatten() {
            let ours = self.balance(named(name)) - self.off.get(name).copied().unwrap_or(0);
            if ours.to_string() != theirs.as_str().unwrap_or_default() {
                differs.push(format!("balance of {name}: ours {ours}, theirs {theirs}"));
            }
        }
        for (name, theirs) in step["post"]["stores"].as_object().into_iter().flatten() {
            let contract = ContractId(named(name));
            let keys = self.state.hint_keys(contract, &[], usize::MAX).unwrap();
            let value = |raw: &Vec<u8>| hex::encode(self.state.read(&key::store(contract, raw)).unwrap().unwrap());
            let ours: BTreeMap<_, _> = keys.iter().map(|raw| (hex::encode(raw), value(raw))).collect();
            let theirs: BTreeMap<String, String> = serde_json::from_value(theirs.clone()).unwrap();
            if ours != theirs {
                differs.push(format!("store of {name}: ours {ours:?}, theirs {theirs:?}"));
            }
        }
        differs
    }
}

/// A result that is a contract.
fn last_id(returned: &[u8]) -> Option<[u8; 32]> {
    returned.strip_prefix(&[0x9f, 0x02, 0xa0])?.try_into().ok()
}

fn compare(tx: &SignedTx, receipt: &Receipt, expected: &Value, op: &str) -> Vec<String> {
    let nested = || receipt.calls.first().map_or(0, |call| Receipt::decode(&call.0).unwrap().gas_used.0);
    let intrinsic = rules::intrinsic_gas(tx.transaction(), tx.unsigned_len()).unwrap();
    let gas = receipt.gas_used.0 - intrinsic.0 - nested();
    let status = match receipt.status {
        Status::Ok => "ok",
        Status::Error => "error",
        Status::Revert => "revert",
    };
    let event = |log: &banyan_types::Log| {
        let topics: Vec<_> = log.topics.iter().map(|topic| hex::encode(&topic.0)).collect();
        (hex::encode(log.contract.0), topics, hex::encode(&log.data.0))
    };
    let theirs = |log: &Value| {
        let topics: Vec<_> = list(log, "topics").iter().map(|topic| topic.as_str().unwrap().to_owned()).collect();
        (text(log, "address").to_owned(), topics, text(log, "data").to_owned())
    };
    // The reference lists the newest event first.
    let ours: Vec<_> = receipt.logs.iter().rev().map(event).collect();
    let logs: Vec<_> = list(expected, "log").iter().map(theirs).collect();
    let returned = if op == "ga_meta_spend" { "ff".into() } else { hex::encode(&receipt.returned.0) };
    let rows = [
        ("status", status.to_owned(), text(expected, "status").to_owned()),
        ("returned", returned, text(expected, "return_data").to_owned()),
        ("gas", gas.to_string(), number(expected, "gas_used").to_string()),
        ("events", format!("{ours:?}"), format!("{logs:?}")),
    ];
    let differs = rows.into_iter().filter(|(_, ours, theirs)| ours != theirs);
    differs.map(|(what, ours, theirs)| format!("{what}: ours {ours}, theirs {theirs}")).collect()
}

#[test]
fn every_scenario_runs_as_transactions_on_a_ledger() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/fate");
    let mut steps = 0;
    let mut failures = vec![];
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|end| end != "json") {
            continue;
        }
        let file: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        if file.get("steps").is_none() {
            continue;
        }
        let mut world = World::new(file.clone());
        for (at, step) in list(&file, "steps").iter().enumerate() {
            steps += 1;
            let name = format!("{} {}", path.file_stem().unwrap().display(), text(step, "function"));
            let found = world.step(step);
            if BEYOND_THE_STATE.contains(&name.as_str()) {
                world.forgive(step);
                continue;
            }
            failures.extend(found.into_iter().map(|what| format!("step {at} of {name}: {what}")));
        }
    }
    assert!(failures.is_empty(), "{} of {steps}\n{}", failures.len(), failures.join("\n"));
    assert!(steps > 350, "{steps}");
}
