//! What a child's operators sign together: other operators, access, closing, going on after a contradiction.

use banyan_crypto::SecretKey;
use banyan_ledger::{ConnectionPoint, key};
use banyan_types::{
    AccountId, Amount, AssociateId, Bytes, Height, Signature, Target,
    associate::{
        Access, AccessLine, Change, OperatorSignature, close_message, operators_authorization, update_message,
    },
    tx::{AssociateClose, AssociateUpdate},
};
use banyan_wallet::{
    client::When,
    tx::{self, Terms},
};

use super::find;
use crate::{
    cli::{Act, Signing},
    command::{node::read_key, send::sign_and_send},
    failure::{Exit, Failure},
    report::Report,
    session::Session,
};

/// Who may use a child from now on.
pub struct NewAccess<'a> {
    pub allow: &'a [String],
    pub deny: &'a [String],
    pub listed: bool,
    pub open: bool,
}

/// Let other accounts answer for it.
pub fn operators(
    session: &Session,
    id: &str,
    (operators, threshold): (&[String], u8),
    act: &Act,
) -> Result<Report, Failure> {
    let operators = operators.iter().map(|operator| session.account(operator)).collect::<Result<_, _>>()?;
    change(session, id, Change::Operators { operators, threshold }, act)
}

/// Let accounts in or shut them out, or everybody.
pub fn access(session: &Session, id: &str, new: &NewAccess<'_>, act: &Act) -> Result<Report, Failure> {
    let line = |account: &String, may| {
        Ok::<_, Failure>(AccessLine { account: session.account(account)?, receive: may, transact: may })
    };
    let lines = new.allow.iter().map(|account| line(account, true));
    let lines: Vec<_> = lines.chain(new.deny.iter().map(|account| line(account, false))).collect::<Result<_, _>>()?;
    let made = match (new.listed, new.open, lines.is_empty()) {
        (true, ..) => Change::Access(Access::Listed),
        (_, true, _) => Change::Access(Access::Open),
        (.., false) => Change::AccessLines(lines),
        _ => {
            let what = "nothing is to be changed";
            return Err(Failure::new(Exit::Usage, "no_change", what, "--allow, --deny, --listed or --open"));
        }
    };
    change(session, id, made, act)
}

/// Let a frozen child go on.
pub fn thaw(session: &Session, id: &str, act: &Act) -> Result<Report, Failure> {
    change(session, id, Change::Thaw, act)
}

/// Take no more commits.
pub fn close(session: &Session, id: &str, act: &Act) -> Result<Report, Failure> {
    let signed = Signed::read(session, id, act)?;
    let authorization = signed.authorise(|point| close_message(&signed.network_id, signed.id, point.acts))?;
    sign_and_send(session, &act.signing, |from_id, terms| {
        let tx = AssociateClose {
            associate_id: signed.id,
            from_id,
            authorization,
            ttl: terms.ttl.unwrap_or(Height(0)),
            fee: Amount::ZERO,
            nonce: terms.nonce,
        };
        Ok(tx::with_fee(tx.into(), terms)?)
    })
}

/// More heights to live.
pub fn extend(session: &Session, id: &str, heights: u64, signing: &Signing) -> Result<Report, Failure> {
    let client = session.client()?;
    let id = find(&client, id)?;
    let rent = client.status()?.params().rent_gas(banyan_ledger::POINT_BYTES, heights);
    let rent = rent.ok_or_else(|| Failure::new(Exit::Usage, "heights", "so many heights have no price", "fewer"))?;
    sign_and_send(session, signing, |from, terms: &Terms| {
        Ok(tx::contract::extend(from, Target::Associate(id), heights, rent, terms)?)
    })
}

fn change(session: &Session, id: &str, change: Change, act: &Act) -> Result<Report, Failure> {
    let signed = Signed::read(session, id, act)?;
    let authorization = signed.authorise(|point| update_message(&signed.network_id, signed.id, point.acts, &change))?;
    sign_and_send(session, &act.signing, |from_id, terms| {
        let tx = AssociateUpdate {
            associate_id: signed.id,
            from_id,
            change,
            authorization,
            ttl: terms.ttl.unwrap_or(Height(0)),
            fee: Amount::ZERO,
            nonce: terms.nonce,
        };
        Ok(tx::with_fee(tx.into(), terms)?)
    })
}

/// A connection point as it is now, and the keys of those who sign.
struct Signed {
    id: AssociateId,
    network_id: String,
    point: ConnectionPoint,
    keys: Vec<SecretKey>,
}

impl Signed {
    fn read(session: &Session, id: &str, act: &Act) -> Result<Self, Failure> {
        let client = session.client()?;
        let id = find(&client, id)?;
        let point = client.prove(&[key::point(id)], When::Top)?.point(id)?.ok_or_else(|| {
            let what = format!("{id} is not registered on this ledger");
            Failure::new(Exit::No, "unknown_associate", what, "banyan associate list, or another --ledger")
        })?;
        let keys = act.keys.iter().map(|file| read_key(file)).collect::<Result<_, _>>()?;
        Ok(Self { id, network_id: client.status()?.network_id, point, keys })
    }

    /// The signatures, by the operators' places. Say who is missing before anything is sent.
    fn authorise(&self, message: impl Fn(&ConnectionPoint) -> Vec<u8>) -> Result<Bytes, Failure> {
        let message = message(&self.point);
        let sign = |(index, operator): (usize, &AccountId)| {
            let key = self.keys.iter().find(|key| key.public() == operator.0)?;
            Some(OperatorSignature { index: index as u64, signature: Signature(key.sign(&message)) })
        };
        let signatures: Vec<_> = self.point.operators.iter().enumerate().filter_map(sign).collect();
        let (needed, got) = (usize::from(self.point.threshold), signatures.len());
        if got >= needed {
            return Ok(operators_authorization(signatures.get(..needed).unwrap_or(&signatures)));
        }
        let what = format!("{needed} of {} operators must sign, {got} do", self.point.operators.len());
        let who: Vec<_> = self.point.operators.iter().map(ToString::to_string).collect();
        let failure = Failure::new(Exit::Invalid, "authorization", what, "--operator-key FILE for each of them");
        Err(failure.because(format!("operators are {}", who.join(", "))))
    }
}
