//! Contract, generalized account and payer transactions, and what is derived from them, as the public SDK has them.

use banyan_crypto::SecretKey;
use banyan_ledger::{Verified, rules};
use banyan_types::{
    AccountId, AuthHashInput, ContractId, GasPrice, Height, Nonce, Serial,
    text::{self, Prefix},
    tx::{SignedTx, Transaction},
};
use serde::Deserialize;

use crate::{
    encodings::{amount, fixed, sdk_params},
    replay::same,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransactionRow {
    pub note: String,
    network_id: String,
    kind: String,
    fee_min: String,
    unsigned: String,
    signed: String,
    hash: String,
    /// Absent where nobody signs.
    secret: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthHashRow {
    network_id: String,
    transaction: String,
    fee: String,
    gas_price: String,
    pub hash: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContractIdRow {
    owner: String,
    nonce: u64,
    pub contract: String,
}

impl TransactionRow {
    pub fn check(&self) -> Result<(), String> {
        let (unsigned, signed) = (bytes(&self.unsigned)?, bytes(&self.signed)?);
        let tx = Transaction::decode(&unsigned).map_err(|error| error.to_string())?;
        same("kind", &tx.kind(), &self.kind.as_str())?;
        same("unsigned", &tx.encode(), &unsigned)?;
        let least = rules::minimum_fee(&sdk_params(), &tx, unsigned.len(), Height(1));
        same("least fee", &least, &Some(amount(&self.fee_min)?))?;
        let theirs = SignedTx::decode(&signed).map_err(|error| error.to_string())?;
        same("transaction", theirs.transaction(), &tx)?;
        same("hash", &theirs.hash().to_string(), &self.hash)?;
        if let Some(secret) = &self.secret {
            let ours = tx.sign(&self.network_id, &SecretKey::from_seed(fixed(secret, Prefix::SecretSeed)?));
            same("signed", &ours, &theirs)?;
        }
        Verified::check(theirs, &self.network_id).map(|_| ()).map_err(|error| error.to_string())
    }
}

impl AuthHashRow {
    pub fn check(&self) -> Result<(), String> {
        let gas_price = GasPrice(self.gas_price.parse().map_err(|error| format!("{error}"))?);
        let (fee, unsigned) = (amount(&self.fee)?, bytes(&self.transaction)?);
        let input = AuthHashInput::new(&self.network_id, &unsigned, fee, gas_price);
        same("hash", &input.hash().to_string(), &self.hash)
    }
}

impl ContractIdRow {
    pub fn check(&self) -> Result<(), String> {
        let owner: AccountId = self.owner.parse().map_err(|error: text::TextError| error.to_string())?;
        let ours = ContractId::derive(owner, Serial::Nonce(Nonce(self.nonce)));
        same("contract", &ours.to_string(), &self.contract)
    }
}

fn bytes(text: &str) -> Result<Vec<u8>, String> {
    text::decode_as(Prefix::TransactionBytes, text).map_err(|error| error.to_string())
}
