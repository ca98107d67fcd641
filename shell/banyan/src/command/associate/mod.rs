//! `associate`: the children of a ledger, with the wallet's own check of what is held for them.
//!
//! [`act`] is what their operators sign, [`leave`] what their users need when nobody answers any more.

mod act;
mod leave;

use std::time::Duration;

use banyan_ledger::{
    engine::committee::{BondRules, Sets},
    key,
};
use banyan_node::GenesisFile;
use banyan_types::{
    AccountId, Amount, Asset, AssociateId, Hash, Height, PublicKey, TimeMs,
    associate::{Access, Regime},
    tx,
};
use banyan_wallet::{
    client::{Client, EscrowAnswer, Page, TreeNode, When},
    tx::{self as build, Terms},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    cli::{Associate, AssociateCreate, Chosen, Ordered},
    command::{genesis, look, send::sign_and_send},
    devnet, disk,
    failure::{Exit, Failure},
    report::{Report, lines, object, table},
    session::Session,
};

/// Heights above the least that a connection point is paid for: those until the transaction is in a block.
const SPARE: u64 = 1_000;
/// Fewer who have bonded make no set: those before them go on.
const VALIDATORS_MIN: u32 = 4;
/// Epochs for which a bond answers after it is taken back. Source: associates 9.
const UNBOND_EPOCHS: u32 = 14;

/// Do what is asked.
/// # Errors
/// The node's; exit 1 when there is no such child.
pub fn run(session: &Session, action: &Associate) -> Result<Report, Failure> {
    match action {
        Associate::List => list(session),
        Associate::Show { id } => show(session, id),
        Associate::Create(args) => create(session, args),
        Associate::Operators { id, operators, threshold, act } => {
            act::operators(session, id, (operators, *threshold), act)
        }
        Associate::Access { id, allow, deny, listed, open, act } => {
            act::access(session, id, &act::NewAccess { allow, deny, listed: *listed, open: *open }, act)
        }
        Associate::Thaw { id, act } => act::thaw(session, id, act),
        Associate::Close { id, act } => act::close(session, id, act),
        Associate::Extend { id, heights, signing } => act::extend(session, id, *heights, signing),
        Associate::Kit { ledger, account, out, timeout } => {
            leave::kit(session, ledger, account, (out, Duration::from_secs(*timeout)))
        }
        Associate::Escape { kit, signing } => leave::escape(session, kit, signing),
        Associate::Refund { id, n, signing } => leave::refund(session, id, *n, signing),
    }
}

/// Register a child. Its id, and by that its genesis, follow from the sender and the number of this very transaction.
fn create(session: &Session, args: &AssociateCreate) -> Result<Report, Failure> {
    if args.out.exists() {
        let what = format!("{} is there already: it may be the only genesis of a child that runs", args.out.display());
        return Err(Failure::new(Exit::Usage, "exists", what, "another --out FILE"));
    }
    let parent = GenesisFile::from_toml(&session.client()?.genesis()?.toml)?.params;
    let mut made = None;
    let mut report = sign_and_send(session, &args.signing, |from, terms| {
        let id = AssociateId::derive(&parent.network_id, from, terms.nonce);
        let interval = parent.height_interval_ms;
        let file = child_file(args, id, interval)?;
        let params = devnet::child_params(interval);
        let lifetime = args.lifetime.unwrap_or(parent.lifetime_default).max(params.silence.saturating_add(SPARE));
        let operators = u8::try_from(args.operators.len()).unwrap_or(u8::MAX);
        let tx = tx::AssociateCreate {
            creator_id: from,
            network_id: file.params.network_id.clone(),
            genesis_hash: file.genesis()?.hash(),
            genesis_root: Hash::ZERO,
            regime: file
                .engine
                .certifiers()
                .filter(|_| args.certificate)
                .map_or(Regime::Operators, Regime::Certificate),
            operators: args.operators.clone(),
            threshold: args.threshold.unwrap_or(operators / 2 + 1),
            recovery: vec![],
            recovery_threshold: 0,
            access: Access::Open,
            params,
            heir: None,
            expiry: Height(terms.height.0.saturating_add(lifetime.min(parent.lifetime_max))),
            ttl: terms.ttl.unwrap_or(Height(0)),
            fee: Amount::ZERO,
            nonce: terms.nonce,
        };
        disk::write(&args.out, file.to_toml().as_bytes())?;
        made = Some((id, file.params.network_id));
        // What a connection point's life costs, a node's status does not say: the genesis does.
        Ok(build::with_fee(tx.into(), &Terms { params: parent.clone(), ..terms.clone() })?)
    })?;
    if let Some((id, network_id)) = made {
        let out = args.out.display().to_string();
        report.text = format!("child    {id} ({network_id})\ngenesis  {out}\n{}", report.text);
        report.json["associate"] = id.to_string().into();
        report.json["child_network_id"] = network_id.into();
        report.json["genesis"] = out.into();
    }
    Ok(report)
}

/// What the child begins with: one operator, validators in turns, or a committee.
fn child_file(args: &AssociateCreate, id: AssociateId, interval: u64) -> Result<GenesisFile, Failure> {
    let (name, now) = (args.name.name(), TimeMs(genesis::now()));
    let key = |account: &AccountId| PublicKey(account.0);
    if let Some(leader) = &args.leader {
        return Ok(GenesisFile::dev_solo(name, id, now, interval, key(leader)));
    }
    let validators: Vec<_> = args.validators.iter().map(key).collect();
    if args.engine == Ordered::Committee {
        let file = GenesisFile::dev_committee(name, id, now, interval, &validators)?;
        return Ok(match args.sets {
            Some(chosen) => file.with_epochs(args.epoch_blocks, sets(chosen, args.stake_min)),
            None => file,
        });
    }
    if args.sets.is_some() {
        let what = "validators that take turns never change";
        return Err(Failure::new(Exit::Usage, "sets", what, "--engine committee, or no --sets"));
    }
    let count = u32::try_from(validators.len()).unwrap_or(u32::MAX);
    let commitments = args.commitments.unwrap_or(count.saturating_mul(2) / 3 + 1);
    Ok(GenesisFile::dev_rotation(name, id, now, interval, (&validators, commitments))?)
}

/// Who chooses the validators that follow.
const fn sets(chosen: Chosen, stake_min: Amount) -> Sets {
    match chosen {
        Chosen::Named => Sets::Permissioned,
        Chosen::Stake => Sets::Stake(BondRules {
            stake_min,
            validators_min: VALIDATORS_MIN,
            unbond_epochs: UNBOND_EPOCHS,
            renew_epochs: None,
        }),
        Chosen::Contract => Sets::Contract,
    }
}

/// A child in a list.
#[derive(Deserialize)]
struct Item {
    id: String,
    #[serde(default)]
    name: Option<String>,
    escrow: EscrowAnswer,
}

fn list(session: &Session) -> Result<Report, Failure> {
    let (json, page): (Value, Page<Item>) = look::ask(session, "/banyan/v1/associates?limit=200")?;
    let row = |item: &Item| {
        let EscrowAnswer { escrow, committed, remitted, .. } = &item.escrow;
        let name = item.name.clone().unwrap_or_else(|| "not served here".into());
        vec![name, item.id.clone(), format!("escrow {escrow} BNY = {committed} down - {remitted} up")]
    };
    let text = if page.items.is_empty() {
        "no children".into()
    } else {
        table(&page.items.iter().map(row).collect::<Vec<_>>())
    };
    Ok(Report::new(text, json))
}

fn show(session: &Session, id: &str) -> Result<Report, Failure> {
    let client = session.client()?;
    let id = find(&client, id)?;
    let proven = client.prove(&[key::point(id), key::escrow(id, Asset::Coin)], When::Top)?;
    let unknown = || {
        let what = format!("{id} is not registered on this ledger");
        Failure::new(Exit::No, "unknown_associate", what, "banyan associate list, or another --ledger")
    };
    let (point, escrow) = (proven.point(id)?.ok_or_else(unknown)?, proven.escrow(id)?);
    let free = escrow.held().minus(escrow.waiting).unwrap_or(Amount::ZERO);
    let law = escrow.committed.minus(escrow.remitted).is_some_and(|held| held >= escrow.waiting);
    let height = proven.header().height();
    let verdict = if law { "holds" } else { "is broken" };
    let text = format!(
        "{}\n\nescrow   {} BNY = {} committed - {} remitted; {} wait, {free} may leave\nlaw      {verdict}: proven at height {height} of {}",
        lines(&point.fields()),
        escrow.held(),
        escrow.committed,
        escrow.remitted,
        escrow.waiting,
        client.url()
    );
    let json = json!({
        "id": id.to_string(), "point": object(point.fields()), "escrow": object(escrow.fields()),
        "held": escrow.held().base().to_string(), "free": free.base().to_string(),
        "law": if law { "holds" } else { "broken" },
        "proven": { "block": proven.block().to_string(), "height": height.0 },
    });
    Ok(Report::new(text, json).or_no(!law))
}

/// A child by its id, or by the name that this node serves it under.
fn find(client: &Client, text: &str) -> Result<AssociateId, Failure> {
    if text.starts_with("ac_") {
        return text.parse().map_err(|error: banyan_types::text::TextError| {
            Failure::new(Exit::Usage, "associate", format!("{text} is no associate"), "copy the whole ac_… again")
                .because(error.to_string())
        });
    }
    let tops = client.tree()?;
    let node = tops.iter().flat_map(TreeNode::all).find(|node| node.name == text);
    node.and_then(|node| node.associate).ok_or_else(|| {
        let what = format!("this node serves no child {text}");
        Failure::new(Exit::No, "unknown_associate", what, "banyan tree, or the id: ac_…")
    })
}
