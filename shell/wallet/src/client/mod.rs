//! Ask a node over HTTP. What it answers about a state is believed only with a proof: [`Client::prove`].
//!
//! One node serves several ledgers; a client speaks to one of them, and [`Client::on`] gives the others. Every error
//! names its owner. Rules: protocol, node 8.2, 8.4.

mod answer;
pub mod contract;
mod error;
mod seals;

use std::sync::Arc;
use std::time::Duration;

use banyan_ledger::Key;
use banyan_types::{
    AccountId, Hash, Height, TxHash,
    text::{self, Prefix},
    tx::SignedTx,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use ureq::{Agent, Body, http::Response};

pub use answer::{
    Account, At, Block, EscrowAnswer, Level, LevelReached, Limits, Page, Rung, StateProof, Status, TreeNode, TxStatus,
};
pub use error::{ClientError, Refusal};
pub use seals::{GenesisAnswer, Way};

use crate::light::{Header, Proven};
use answer::{HeaderBytes, SubmitAnswer};

/// Longest that a connection may take to come about.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// Longest that an answer may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// Bytes of an answer at most: the largest proof is far smaller.
const ANSWER_BYTES_MAX: u64 = 64 << 20;
/// Transactions of one submit. Source: node 8.2.
pub const SUBMIT_MAX: usize = 256;

type Result<T> = core::result::Result<T, ClientError>;

/// One ledger of a node.
#[derive(Debug, Clone)]
pub struct Client {
    agent: Agent,
    /// `http://HOST:PORT`.
    origin: String,
    /// Nothing, or `/l/NAME`.
    mount: String,
    token: Option<Arc<str>>,
}

/// Which state is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// The newest.
    Top,
    /// The last final one.
    Final,
    /// After the block that starts this height.
    Height(Height),
    /// After this block.
    Block(Hash),
}

impl Client {
    /// The node at `url`: `http://HOST:PORT`, or with `/l/NAME` one ledger of it.
    /// # Errors
    /// [`ClientError::Address`].
    pub fn new(url: &str) -> Result<Self> {
        let bad = || ClientError::Address { url: url.into() };
        let (scheme, rest) = url.trim().trim_end_matches('/').split_once("://").ok_or_else(bad)?;
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        if !matches!(scheme, "http" | "https") || host.is_empty() {
            return Err(bad());
        }
        let mount = match path.split_once('/') {
            None if path.is_empty() => String::new(),
            Some(("l", name)) if !name.is_empty() && !name.contains('/') => format!("/l/{name}"),
            _ => return Err(bad()),
        };
        let config = Agent::config_builder()
            .timeout_connect(Some(CONNECT_LIMIT))
            .timeout_global(Some(ANSWER_LIMIT))
            .http_status_as_error(false)
            // A node is asked directly: a proxy would learn which accounts belong together.
            .proxy(None)
            .build();
        Ok(Self { agent: config.into(), origin: format!("{scheme}://{host}"), mount, token: None })
    }

    /// Say this with every request: the word of a private ledger.
    #[must_use]
    pub fn with_token(self, token: &str) -> Self {
        Self { token: Some(format!("Bearer {token}").into()), ..self }
    }

    /// Another ledger of the same node.
    #[must_use]
    pub fn on(&self, ledger: &str) -> Self {
        Self { mount: format!("/l/{ledger}"), ..self.clone() }
    }

    /// Where this ledger is.
    pub fn url(&self) -> String {
        format!("{}{}", self.origin, self.mount)
    }

    /// The answer to a GET.
    /// # Errors
    /// Any [`ClientError`] but `Address` and `NotProven`.
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let url = format!("{}{path}", self.url());
        let mut request = self.agent.get(&url);
        if let Some(token) = &self.token {
            request = request.header("authorization", &**token);
        }
        read(&url, request.call())
    }

    /// The answer to a POST.
    /// # Errors
    /// As [`Self::get`].
    pub fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T> {
        let url = format!("{}{path}", self.url());
        let mut request = self.agent.post(&url);
        if let Some(token) = &self.token {
            request = request.header("authorization", &**token);
        }
        read(&url, request.send_json(body))
    }

    /// The ledger and the node's view of it.
    /// # Errors
    /// As [`Self::get`].
    pub fn status(&self) -> Result<Status> {
        self.get("/banyan/v1/status")
    }

    /// The ledgers of the process, from the top.
    /// # Errors
    /// As [`Self::get`].
    pub fn tree(&self) -> Result<Vec<TreeNode>> {
        self.get("/banyan/v1/tree")
    }

    /// An account; one that does not exist holds nothing.
    /// # Errors
    /// As [`Self::get`].
    pub fn account(&self, id: AccountId) -> Result<Account> {
        self.get(&format!("/banyan/v1/accounts/{id}"))
    }

    /// What became of a transaction; `None` if the node does not know it.
    /// # Errors
    /// As [`Self::get`].
    pub fn transaction(&self, hash: TxHash) -> Result<Option<TxStatus>> {
        match self.get(&format!("/banyan/v1/transactions/{hash}")) {
            Err(error) if error.is_unknown() => Ok(None),
            answer => answer.map(Some),
        }
    }

    /// A block by its height or name.
    /// # Errors
    /// As [`Self::get`].
    pub fn block(&self, id: &str) -> Result<Block> {
        self.get(&format!("/banyan/v1/blocks/{id}"))
    }

    /// Headers that start the heights from one on, as many as the node gives of `limit`. Nothing of it is believed yet: the
    /// caller follows their links from a block that it knows.
    /// # Errors
    /// As [`Self::get`].
    pub fn headers(&self, from: Height, limit: u64) -> Result<Vec<Header>> {
        let answer: Page<HeaderBytes> = self.get(&format!("/banyan/v1/headers?from={from}&limit={limit}"))?;
        let headers: Option<_> = answer.items.iter().map(HeaderBytes::read).collect();
        headers.ok_or_else(|| self.unreadable("a header does not decode"))
    }

    /// Give a transaction to the node: in its durable pool when this returns. The same bytes again do no harm.
    /// # Errors
    /// As [`Self::get`].
    pub fn submit(&self, tx: &SignedTx) -> Result<TxHash> {
        let mut answers = self.submit_all(std::slice::from_ref(tx))?;
        answers.pop().unwrap_or_else(|| Err(self.unreadable("no answer for the transaction")))
    }

    /// Give a transaction to the node and wait there until it has the level, was dropped, or the time is over.
    /// # Errors
    /// As [`Self::get`].
    pub fn submit_and_wait(&self, tx: &SignedTx, level: Level, limit: Duration) -> Result<TxStatus> {
        let limit = limit.min(ANSWER_LIMIT / 2);
        let path = format!("/banyan/v1/transactions?wait={level}&timeout_ms={}", limit.as_millis());
        let body = json!({ "txs": [text::encode(Prefix::TransactionBytes, tx.bytes())] });
        let answer: SubmitAnswer = self.post(&path, &body)?;
        let item = answer.items.into_iter().next().ok_or_else(|| self.unreadable("no answer for the transaction"))?;
        if let Some(error) = item.error {
            return Err(ClientError::Refused(Box::new(error.refusal(200))));
        }
        item.status.ok_or_else(|| self.unreadable("no status of the transaction"))
    }

    /// Give up to [`SUBMIT_MAX`] transactions to the node; each has its own answer.
    /// # Errors
    /// As [`Self::get`].
    pub fn submit_all(&self, txs: &[SignedTx]) -> Result<Vec<Result<TxHash>>> {
        let texts: Vec<_> = txs.iter().map(|tx| text::encode(Prefix::TransactionBytes, tx.bytes())).collect();
        let answer: SubmitAnswer = self.post("/banyan/v1/transactions", &json!({ "txs": texts }))?;
        if answer.items.len() != txs.len() {
            return Err(self.unreadable("another number of answers than of transactions"));
        }
        let one = |item: answer::SubmitItem| match (item.hash, item.error) {
            (Some(hash), _) => Ok(hash),
            (None, Some(error)) => Err(ClientError::Refused(Box::new(error.refusal(200)))),
            (None, None) => Err(self.unreadable("neither hash nor error")),
        };
        Ok(answer.items.into_iter().map(one).collect())
    }

    /// What the state holds at `keys`, checked from the block's hash down to the bytes of each leaf. For
    /// [`When::Block`] that hash is the caller's, else the one that the node names.
    /// # Errors
    /// Any [`ClientError`] but `Address`.
    pub fn prove(&self, keys: &[Key], when: When) -> Result<Proven> {
        self.proof(keys, when).map(|(proven, _)| proven)
    }

    /// The same, with the proof as the node gave it.
    /// # Errors
    /// As [`Self::prove`].
    pub fn proof(&self, keys: &[Key], when: When) -> Result<(Proven, StateProof)> {
        // Named as a key block: the node takes either prefix for the same 32 bytes.
        let at = match when {
            When::Top => "top".into(),
            When::Final => "final".into(),
            When::Height(height) => height.to_string(),
            When::Block(block) => block.text(Prefix::KeyBlock),
        };
        let keys: Vec<_> = keys.iter().map(hex::encode).collect();
        let proof: StateProof = self.post("/banyan/v1/proofs", &json!({ "keys": keys, "at": at }))?;
        let claim = proof.claim().ok_or_else(|| self.unreadable("a text of the proof does not decode"))?;
        let named = proof.at().and_then(|at| at.block());
        let expected = match when {
            When::Block(block) => Some(block),
            When::Top | When::Final | When::Height(_) => named,
        };
        let expected = expected.ok_or_else(|| self.unreadable("the proof names no block"))?;
        Ok((claim.check(expected)?, proof))
    }

    /// The document of the node's interface.
    /// # Errors
    /// As [`Self::get`].
    pub fn openapi(&self) -> Result<Value> {
        self.get("/banyan/v1/openapi.json")
    }

    fn unreadable(&self, why: &str) -> ClientError {
        ClientError::Answer { url: self.url(), why: why.into() }
    }
}

fn read<T: DeserializeOwned>(url: &str, answer: core::result::Result<Response<Body>, ureq::Error>) -> Result<T> {
    let unreachable = |error: ureq::Error| ClientError::Unreachable { url: url.into(), why: error.to_string() };
    let mut answer = answer.map_err(unreachable)?;
    let status = answer.status().as_u16();
    let owner = answer.headers().get("banyan-owner").and_then(|owner| owner.to_str().ok()).map(str::to_owned);
    let body = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string().map_err(unreachable)?;
    if !(200..300).contains(&status) {
        return Err(error::read(url, status, owner.as_deref(), &body));
    }
    serde_json::from_str(&body).map_err(|error| ClientError::Answer { url: url.into(), why: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_a_node_and_perhaps_a_ledger() {
        for (url, expected) in [
            ("http://127.0.0.1:3013", "http://127.0.0.1:3013"),
            ("http://127.0.0.1:3013/", "http://127.0.0.1:3013"),
            ("https://node.example/l/bank/", "https://node.example/l/bank"),
        ] {
            assert_eq!(Client::new(url).unwrap().url(), expected);
        }
        for url in ["", "127.0.0.1:3013", "ftp://a", "http://", "http://a/b", "http://a/l/", "http://a/l/b/c"] {
            assert!(matches!(Client::new(url), Err(ClientError::Address { .. })), "{url}");
        }
        assert_eq!(Client::new("http://a/l/bank").unwrap().on("root").url(), "http://a/l/root");
    }

    #[test]
    fn nobody_there_is_said_as_such() {
        // Port 9 of the loopback address is for discarding, and nothing listens there.
        let answer = Client::new("http://127.0.0.1:9").unwrap().status();
        assert!(matches!(answer, Err(ClientError::Unreachable { .. })));
    }

    #[test]
    fn levels_are_a_ladder() {
        assert!(Level::ALL.is_sorted());
        for level in Level::ALL {
            assert_eq!(level.as_str().parse(), Ok(level));
            assert_eq!(serde_json::to_value(level).unwrap(), json!(level.as_str()));
        }
        assert!("final".parse::<Level>().is_err());
    }
}
