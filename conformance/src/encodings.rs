//! Texts and transactions that the public SDK made of fixed values: ours must be the same bytes.

use banyan_crypto::SecretKey;
use banyan_ledger::{Params, Rejected, Verified, rules};
use banyan_types::{
    Amount, AssociateId, Bytes, Gas, GasPrice, Height, Nonce, Payee,
    text::{self, Prefix, TextError},
    tx::{SignedTx, Spend, Transaction},
};
use serde::Deserialize;

use crate::{
    contracts::{AuthHashRow, ContractIdRow, TransactionRow},
    replay::{Row, same},
};

/// The price of gas that the SDK estimates with.
const SDK_GAS_PRICE: GasPrice = GasPrice(1_000_000_000);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "about")]
    _about: String,
    #[serde(default)]
    spends: Vec<SpendRow>,
    #[serde(default)]
    texts: Vec<TextRow>,
    #[serde(default)]
    transactions: Vec<TransactionRow>,
    #[serde(default)]
    auth_hashes: Vec<AuthHashRow>,
    #[serde(default)]
    contract_ids: Vec<ContractIdRow>,
    #[serde(default)]
    refused: Vec<RefusedRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SpendRow {
    note: String,
    network_id: String,
    secret: String,
    sender: String,
    recipient: String,
    amount: String,
    fee: String,
    fee_min: String,
    ttl: u64,
    nonce: u64,
    payload: String,
    unsigned: String,
    signature: String,
    signed: String,
    hash: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TextRow {
    prefix: String,
    payload: String,
    text: String,
}

/// Either a signed transaction or a text, and the error's name.
#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum RefusedRow {
    Transaction { note: String, signed: String, error: String },
    Text { text: String, error: String },
}

pub fn read(file: &str) -> Result<Vec<Row>, serde_json::Error> {
    let file: File = serde_json::from_str(file)?;
    let spends = file.spends.iter().map(|row| Row { note: row.note.clone(), held: row.check() });
    let texts = file.texts.iter().map(|row| Row { note: row.text.clone(), held: row.check() });
    let refused = file.refused.iter().map(|row| match row {
        RefusedRow::Transaction { note, signed, error } => {
            Row { note: note.clone(), held: refuses_transaction(signed, error) }
        }
        RefusedRow::Text { text, error } => Row { note: text.clone(), held: refuses_text(text, error) },
    });
    let transactions = file.transactions.iter().map(|row| Row { note: row.note.clone(), held: row.check() });
    let hashes = file.auth_hashes.iter().map(|row| Row { note: row.hash.clone(), held: row.check() });
    let ids = file.contract_ids.iter().map(|row| Row { note: row.contract.clone(), held: row.check() });
    Ok(spends.chain(texts).chain(refused).chain(transactions).chain(hashes).chain(ids).collect())
}

impl SpendRow {
    fn check(&self) -> Result<(), String> {
        let key = SecretKey::from_seed(fixed(&self.secret, Prefix::SecretSeed)?);
        let spend = self.spend(&self.fee)?;
        same("sender", &spend.sender_id.0, &key.public())?;
        let ours: Transaction = spend.into();
        same("unsigned", &text::encode(Prefix::TransactionBytes, &ours.encode()), &self.unsigned)?;
        let signed = ours.sign(&self.network_id, &key);
        let [signature] = signed.signatures() else { return Err("one signature".into()) };
        same("signature", &signature.text(Prefix::Signature), &self.signature)?;
        same("signed", &text::encode(Prefix::TransactionBytes, signed.bytes()), &self.signed)?;
        same("hash", &signed.hash().to_string(), &self.hash)?;
        same("least fee", &self.least_fee()?, &Some(amount(&self.fee_min)?))?;

        let bytes = text::decode_as(Prefix::TransactionBytes, &self.signed).map_err(|error| error.to_string())?;
        let theirs = SignedTx::decode(&bytes).map_err(|error| error.to_string())?;
        same("decoded", &theirs, &signed)?;
        Verified::check(theirs, &self.network_id).map(|_| ()).map_err(|error| error.to_string())
    }

    fn spend(&self, fee: &str) -> Result<Spend, String> {
        let parse = |error: TextError| error.to_string();
        let recipient: banyan_types::Id = self.recipient.parse().map_err(parse)?;
        Ok(Spend {
            sender_id: self.sender.parse().map_err(parse)?,
            recipient_id: Payee::try_from(recipient).map_err(|id| format!("{id} cannot be paid"))?,
            amount: amount(&self.amount)?,
            fee: amount(fee)?,
            ttl: Height(self.ttl),
            nonce: Nonce(self.nonce),
            payload: Bytes(hex::decode(&self.payload).map_err(|error| error.to_string())?),
        })
    }

    /// What we ask for the transaction when it offers what the SDK thinks is the least.
    fn least_fee(&self) -> Result<Option<Amount>, String> {
        let tx = self.spend(&self.fee_min)?.into();
        let size = Transaction::encode(&tx).len();
        Ok(rules::minimum_fee(&sdk_params(), &tx, size, Height(1)))
    }
}

/// Parameters with the SDK's price; nothing else of them is asked here.
pub fn sdk_params() -> Params {
    Params {
        network_id: "banyan_dev".into(),
        ledger: AssociateId::ZERO,
        height_interval_ms: 3_000,
        gas_price_min: SDK_GAS_PRICE,
        gas_per_tx_max: Gas(6_000_000),
        gas_per_block_max: Gas(60_000_000),
        auth_gas_max: Gas(50_000),
        rent_gas_per_byte_year: 20,
        lifetime_default: 1,
        lifetime_max: 1,
        grace: 21_600,
        root: None,
        committee: banyan_types::rlp::Tail(None),
    }
}

impl TextRow {
    fn check(&self) -> Result<(), String> {
        let prefix = Prefix::ALL.iter().find(|prefix| prefix.as_str() == self.prefix);
        let prefix = *prefix.ok_or_else(|| format!("no prefix {}", self.prefix))?;
        let payload = hex::decode(&self.payload).map_err(|error| error.to_string())?;
        same("encoded", &text::encode(prefix, &payload), &self.text)?;
        same("decoded", &text::decode(&self.text), &Ok((prefix, payload)))
    }
}

fn refuses_transaction(signed: &str, error: &str) -> Result<(), String> {
    let bytes = text::decode_as(Prefix::TransactionBytes, signed).map_err(|error| error.to_string())?;
    let got = SignedTx::decode(&bytes).map_err(|error| Rejected::from(error).code());
    same("refused", &got.map(|tx| tx.hash()), &Err(error))
}

fn refuses_text(text: &str, error: &str) -> Result<(), String> {
    same("refused", &text::decode(text).map_err(|error| name_of(&error)), &Err(error))
}

const fn name_of(error: &TextError) -> &'static str {
    match error {
        TextError::TooLong { .. } => "too_long",
        TextError::NoPrefix => "no_prefix",
        TextError::Unsupported(_) => "unsupported",
        TextError::Unknown(_) => "unknown",
        TextError::Unexpected { .. } => "unexpected",
        TextError::Alphabet { .. } => "alphabet",
        TextError::Checksum => "checksum",
        TextError::Length { .. } => "length",
    }
}

pub fn fixed<const N: usize>(text: &str, prefix: Prefix) -> Result<[u8; N], String> {
    let bytes = text::decode_as(prefix, text).map_err(|error| error.to_string())?;
    bytes.try_into().map_err(|_| format!("{text} has another length"))
}

pub fn amount(base: &str) -> Result<Amount, String> {
    base.parse().ok().and_then(Amount::new).ok_or_else(|| format!("{base} is no amount"))
}
