//! Say who a node is: an Ed25519 key that signs nothing but handshakes. It is apart from every other key (node 10).

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use banyan_types::{
    PublicKey,
    text::{self, Prefix, TextError},
};
use libp2p::{PeerId, identity};
use zeroize::Zeroizing;

/// The secret of a node.
#[derive(Clone)]
pub struct NodeKey(Zeroizing<[u8; 32]>);

/// Why there is no node key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or written.
    #[error("node key {path}: {error}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Others on this machine may read the secret.
    #[error("node key {path} has mode {mode:o}, needs 600; try: chmod 600 {path}")]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file does not hold a seed.
    #[error("node key {path} is not an sk_ text: {error}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with the text.
        error: TextError,
    },
    /// The system has no random numbers.
    #[error("no random numbers for a node key: {0}")]
    Random(getrandom::Error),
}

impl NodeKey {
    /// The key of a seed.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(Zeroizing::new(seed))
    }

    /// The key in the file, or a new one written there with mode 0600.
    pub fn open_or_create(path: &Path) -> Result<Self, KeyError> {
        match fs::metadata(path) {
            Ok(meta) => Self::open(path, &meta),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::create(path),
            Err(error) => Err(KeyError::Io { path: path.into(), error }),
        }
    }

    fn open(path: &Path, meta: &fs::Metadata) -> Result<Self, KeyError> {
        let mode = std::os::unix::fs::PermissionsExt::mode(&meta.permissions()) & 0o777;
        if mode & 0o077 != 0 {
            return Err(KeyError::Exposed { path: path.into(), mode });
        }
        let io = |error| KeyError::Io { path: path.into(), error };
        let text = Zeroizing::new(fs::read_to_string(path).map_err(io)?);
        let payload = text::decode_as(Prefix::SecretSeed, text.trim());
        let payload = Zeroizing::new(payload.map_err(|error| KeyError::Malformed { path: path.into(), error })?);
        let mut seed = [0; 32];
        // The prefix fixes the length.
        seed.iter_mut().zip(payload.iter()).for_each(|(to, from)| *to = *from);
        Ok(Self::from_seed(seed))
    }

    fn create(path: &Path) -> Result<Self, KeyError> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(seed.as_mut_slice()).map_err(KeyError::Random)?;
        let text = Zeroizing::new(text::encode(Prefix::SecretSeed, seed.as_slice()));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = options.open(path).and_then(|mut file| {
            writeln!(file, "{}", text.as_str())?;
            file.sync_all()
        });
        written.map_err(|error| KeyError::Io { path: path.into(), error })?;
        Ok(Self(seed))
    }

    /// The public half, by which peers know this node.
    pub fn public(&self) -> PublicKey {
        let secret = banyan_crypto::SecretKey::from_seed(*self.0);
        PublicKey(secret.public())
    }

    /// The public half as people write it.
    pub fn text(&self) -> String {
        key_text(&self.public())
    }

    pub(crate) fn keypair(&self) -> Result<identity::Keypair, identity::DecodingError> {
        let mut seed = *self.0;
        identity::Keypair::ed25519_from_bytes(&mut seed)
    }
}

/// A node's public key as `pp_…`.
pub fn key_text(key: &PublicKey) -> String {
    key.text(Prefix::Peer)
}

/// `None` for 32 bytes that are no point of the curve.
pub(crate) fn peer_id(key: &PublicKey) -> Option<PeerId> {
    let key = identity::ed25519::PublicKey::try_from_bytes(&key.0).ok()?;
    Some(identity::PublicKey::from(key).to_peer_id())
}

/// `None` for identities of other kinds of keys, which our handshake does not admit.
pub(crate) fn public_key(peer: PeerId) -> Option<PublicKey> {
    // An Ed25519 identity is its own preimage: two bytes of header, then the encoded key.
    let bytes = peer.to_bytes();
    let key = identity::PublicKey::try_decode_protobuf(bytes.get(2..)?).ok()?;
    Some(PublicKey(key.try_into_ed25519().ok()?.to_bytes()))
}
