//! What stands around every page: head, navigation, search, foot.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{Page, asset};
use crate::ledger::Mount;

/// Event streams that one page holds open: browsers keep six connections to a host, and pages need some themselves.
const STREAMS_MAX: usize = 3;

/// What a page says of itself.
pub struct Frame {
    title: String,
    /// Ledgers whose news make the page fetch itself again.
    live: Vec<String>,
    current: Option<&'static str>,
}

impl Frame {
    pub fn titled(title: impl Into<String>) -> Self {
        Self { title: title.into(), live: vec![], current: None }
    }

    /// Fetched again when one of these ledgers has news.
    pub fn live<'a>(self, mounts: impl IntoIterator<Item = &'a Mount>) -> Self {
        let url =
            |mount: &Mount| format!("/l/{}/banyan/v1/events?topics=blocks,testimonies,seals", mount.ledger().name());
        Self { live: mounts.into_iter().take(STREAMS_MAX).map(url).collect(), ..self }
    }

    /// Marked in the navigation.
    pub const fn at(mut self, place: &'static str) -> Self {
        self.current = Some(place);
        self
    }
}

/// The mark: a crown, a trunk, and roots that come down from the branches.
const MARK: PreEscaped<&str> = PreEscaped(
    r#"<svg class="mark" viewBox="0 0 32 32" aria-hidden="true"><path class="crown" d="M16 3c5 0 8 2.6 9 5.6 2.7.5 4.6 2.6 4.6 5.2 0 3-2.5 5.2-5.7 5.2H8.1c-3.2 0-5.7-2.2-5.7-5.2 0-2.6 1.9-4.7 4.6-5.2C8 5.6 11 3 16 3z"/><path class="roots" d="M16 18v11M9 18.5c0 4-.6 7-1.6 10.5M23 18.5c0 4 .6 7 1.6 10.5M12.5 18.5v6M19.5 18.5v6"/></svg>"#,
);

pub fn page(mount: &Mount, frame: &Frame, body: &Markup) -> Page {
    let version = asset::version();
    Page(html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (frame.title) " · Banyan" }
                link rel="icon" type="image/svg+xml" href={ "/assets/icon.svg?v=" (version) };
                link rel="stylesheet" href={ "/assets/style.css?v=" (version) };
                script src={ "/assets/script.js?v=" (version) } defer {}
            }
            body data-events=(frame.live.join(" ")) {
                a.skip href="#main" { "Skip to the content" }
                (header(mount, frame))
                main id="main" { (body) }
                (footer(mount))
            }
        }
    })
}

fn header(mount: &Mount, frame: &Frame) -> Markup {
    let base = format!("/l/{}", mount.ledger().name());
    let item = |name: &'static str, href: &str, text: &str| {
        let current = (frame.current == Some(name)).then_some("page");
        html! { a href=(href) aria-current=[current] { (text) } }
    };
    html! {
        header.top {
            a.brand href="/" { (MARK) span { "Banyan" } }
            nav aria-label="Pages" {
                (item("tree", "/", "Tree"))
                (item("ledger", &base, mount.ledger().name()))
                (item("blocks", &format!("{base}/blocks"), "Blocks"))
                (item("mempool", &format!("{base}/mempool"), "Waiting"))
            }
            form.search action={ (base) "/search" } role="search" {
                label.unseen for="q" { "Search a height, block, transaction, account or ledger" }
                input #q name="q" type="search" placeholder="Height, hash or account" autocomplete="off" spellcheck="false" maxlength="120";
                button type="submit" { "Search" }
            }
        }
    }
}

fn footer(mount: &Mount) -> Markup {
    html! {
        footer {
            span { "Ledger " b { (mount.ledger().name()) } " · " code { (mount.ledger().params().network_id) } }
            span { a href={ (mount.base) "/banyan/v1/openapi.json" } { "API" } " · version " (env!("CARGO_PKG_VERSION")) }
            span.live hidden { span.dot {} "live" }
        }
    }
}
