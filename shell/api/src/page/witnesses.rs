//! Witnesses: the set, what each said in the running round, the seal.

use axum::extract::State;
use maud::{Markup, html};

use super::{Answer, layout, ledger, part};
use crate::{
    Failure,
    ledger::Mount,
    v1::finality::{self, FinalityAnswer, Testimony},
};

pub async fn list(State(mount): State<Mount>) -> Answer {
    let standing = finality::standing(&mount)?;
    let body = html! {
        section.title {
            p.eyebrow { a href=(ledger::home(&mount)) { (mount.ledger().name()) } }
            h1 { "Witnesses" }
            @if standing.by == "depth" { p.muted { "The genesis names no witnesses: key blocks are final by depth." } }
            @else { p.muted { "Over two thirds of the weight make a key block final." } }
        }
        section.card { h2 { "Round" } div #round data-live { (bar(&standing)) } }
        section.card { h2 { "Set" } div #members data-live { (members(&standing)) } }
    };
    Ok(layout::page(&mount, &layout::Frame::titled("Witnesses").live([&mount]).at("witnesses"), &body))
}

/// The testimony bar: how much of the weight has spoken, and how far that reaches.
pub fn bar(standing: &FinalityAnswer) -> Markup {
    let share = |said: fn(&Testimony) -> bool| {
        standing.members.iter().filter(|member| said(member)).map(|member| member.permille).sum::<u64>().min(1_000)
    };
    let rows = [
        ("Prevoted", share(|member| member.prevote.is_some())),
        ("Precommitted", share(|member| member.precommit.is_some())),
    ];
    html! {
        @for (what, permille) in rows {
            p { (what) " "
                progress max="1000" value=(permille) aria-label=(what) {}
                " " b { (permille / 10) " %" } span.muted { " of the weight, 66.7 % make it" } }
        }
        p.muted { "Era " (standing.era) ", round " (standing.round) ", final height " (part::grouped(standing.final_height.into()))
            @if standing.lag > 0 { ", " (standing.lag) " behind the top" } }
        @if standing.degraded { p.failed { "Degraded: too few witnesses answer. Work goes on; nothing new is final." } }
        @if standing.halted { p.failed { "Stopped: two seals contradict each other. An operator must look." } }
        @if let Some(anchor) = &standing.anchored {
            p.failed { "Anchored: key block " (part::full(&anchor.hash)) " at height " (part::grouped(anchor.height.into()))
                " is final by its operators' word, after too much stake was lost to seal it." }
        }
        @if let Some(seal) = &standing.seal {
            p { "Newest seal: key block " (part::full(&seal.hash)) " by " (seal.signers.len()) " witnesses" }
        }
    }
}

fn members(standing: &FinalityAnswer) -> Markup {
    html! {
        table {
            thead { tr { th.wide { "Staker" } th.number { "Weight" } th { "Prevote" } th { "Precommit" } th { "Known for" } } }
            tbody {
                @for member in &standing.members {
                    tr data-key=(member.witness) {
                        td.wide { code { (member.staker) } }
                        td.number { (member.permille / 10) "." (member.permille % 10) " %" }
                        td { @if member.prevote.is_some() { "yes" } @else { span.muted { "not seen" } } }
                        td { @if member.precommit.is_some() { "yes" } @else { span.muted { "not seen" } } }
                        td { @if standing.accused.contains(&member.staker) { b { "voted twice" } } }
                    }
                }
            }
        }
    }
}

/// The bar as a card of the root's page, where witnesses decide.
pub fn card(mount: &Mount) -> Result<Markup, Failure> {
    let standing = finality::standing(mount)?;
    Ok(html! {
        @if standing.by == "stake" {
            section.card { h2 { "Finality" } div #round data-live { (bar(&standing)) }
                p.more { a href={ (mount.base) "/witnesses" } { "All witnesses" } } }
        }
    })
}
