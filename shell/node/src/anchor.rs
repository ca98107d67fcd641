//! Operators' anchors as texts: in the genesis file, and alone on their way from operator to operator. Rules: root 9.

use std::collections::BTreeMap;

use banyan_types::{
    Hash, Height, PublicKey, Signature,
    text::{self, Prefix},
    witness::{Anchor, AnchorSignature},
};
use serde::{Deserialize, Serialize};

use crate::NodeError;

/// Where operators let finality go on. Source: root 9.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnchorFile {
    height: u64,
    /// The key block: `kh_`.
    hash: String,
    /// Keys of the witnesses that are lost: `pp_`.
    without: Vec<String>,
    /// Signatures of those who agree, by key.
    #[serde(default)]
    signatures: BTreeMap<String, String>,
}

impl AnchorFile {
    pub(crate) fn write(anchor: &Anchor) -> Self {
        let signed =
            |by: &AnchorSignature| (by.key.text(Prefix::Peer), text::encode(Prefix::Signature, &by.signature.0));
        Self {
            height: anchor.height.0,
            hash: anchor.hash.text(Prefix::KeyBlock),
            without: anchor.without.iter().map(|key| key.text(Prefix::Peer)).collect(),
            signatures: anchor.signatures.iter().map(signed).collect(),
        }
    }

    pub(crate) fn read(&self) -> Result<Anchor, String> {
        let key =
            |key: &str| PublicKey::from_text(Prefix::Peer, key).map_err(|error| format!("anchors, {key}: {error}"));
        let mut without = self.without.iter().map(|lost| key(lost)).collect::<Result<Vec<_>, _>>()?;
        let signed = |(by, signature): (&String, &String)| {
            let bytes =
                text::decode_as(Prefix::Signature, signature).map_err(|error| format!("anchors, {by}: {error}"))?;
            let signature = Signature(bytes.try_into().map_err(|_| format!("anchors, {by}: 64 bytes are expected"))?);
            Ok(AnchorSignature { key: key(by)?, signature })
        };
        let mut signatures = self.signatures.iter().map(signed).collect::<Result<Vec<_>, String>>()?;
        without.sort_unstable();
        signatures.sort_unstable_by_key(|by| by.key);
        let hash = Hash::from_text(Prefix::KeyBlock, &self.hash);
        let hash = hash.map_err(|error| format!("anchors, {}: {error}", self.hash))?;
        Ok(Anchor { height: Height(self.height), hash, without, signatures })
    }
}

/// The text of one anchor, as a genesis file holds it.
/// # Panics
/// Never: an anchor has only texts and numbers.
pub fn to_toml(anchor: &Anchor) -> String {
    let part = AnchorPart { anchors: vec![AnchorFile::write(anchor)] };
    toml::to_string_pretty(&part).expect("an anchor has only texts and numbers")
}

/// An anchor in a file of its own, on its way from operator to operator.
/// # Errors
/// `GenesisFile` with what is wrong there.
pub fn from_toml(text: &str) -> Result<Anchor, NodeError> {
    let part: AnchorPart = toml::from_str(text).map_err(|error| NodeError::GenesisFile(error.to_string()))?;
    let [anchor] = &part.anchors[..] else {
        return Err(NodeError::GenesisFile(format!("{} anchors, one is expected", part.anchors.len())));
    };
    anchor.read().map_err(NodeError::GenesisFile)
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AnchorPart {
    anchors: Vec<AnchorFile>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_anchor_reads_back_as_it_was_written() {
        let signature = AnchorSignature { key: PublicKey([4; 32]), signature: Signature([5; 64]) };
        let without = vec![PublicKey([2; 32]), PublicKey([3; 32])];
        let anchor = Anchor { height: Height(19), hash: Hash([1; 32]), without, signatures: vec![signature] };
        let text = to_toml(&anchor);
        assert_eq!(from_toml(&text).unwrap(), anchor);
        assert!(matches!(from_toml(&text.repeat(2)), Err(NodeError::GenesisFile(_))), "two at once");
        assert!(matches!(from_toml(&text.replace("kh_", "mh_")), Err(NodeError::GenesisFile(_))));
    }
}
