//! The explorer's pages: there, escaped, and bound to this host.

mod support;

use axum::http::StatusCode;
use banyan_types::Bytes;
use support::*;

#[tokio::test]
async fn every_page_stands_under_both_mounts_with_its_policy() {
    let world = World::quick();
    let sent = world.settle("", &[spend(ROOT_NETWORK, USER, FRIEND, coins(3), 1)], "ordered").await;
    let hash = sent["items"][0]["hash"].as_str().unwrap().to_owned();
    let micro = sent["items"][0]["status"]["block"]["hash"].as_str().unwrap().to_owned();
    let here = [
        "/blocks".to_owned(),
        "/block/1".into(),
        "/generation/1".into(),
        format!("/block/{micro}"),
        format!("/tx/{hash}"),
        format!("/account/{}", account(USER)),
        format!("/associates/{}", world.child_id),
        "/mempool".into(),
    ];
    let both = here.iter().flat_map(|path| [path.clone(), format!("/l/root{path}")]);
    let homes =
        ["/", "/l/root", "/l/root/", "/l/bank", "/l/bank/", "/l/bank/blocks", "/l/bank/block/0"].map(ToOwned::to_owned);
    for path in both.chain(homes) {
        let page = world.page(&path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.text);
        assert!(page.text.contains("<h1"), "{path}");
        assert!(page.header("content-security-policy").unwrap().starts_with("default-src 'self'"), "{path}");
        assert_eq!(page.header("cache-control"), Some("no-store"), "{path}");
        let foreign =
            page.text.split(['"', '\'', ' ', '(']).find(|text| text.starts_with("http") || text.starts_with("//"));
        assert_eq!(foreign, None, "{path} names another host");
        assert!(!page.text.contains(" style="), "{path}: the policy forbids inline styles");
    }
    world.stop();
}

#[tokio::test]
async fn chain_text_is_never_markup() {
    let world = World::quick();
    let text = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&";
    let tx = banyan_types::tx::Spend { payload: Bytes(text.as_bytes().to_vec()), ..payment(USER, FRIEND, coins(1), 1) };
    let tx = signed(tx, ROOT_NETWORK, USER);
    world.settle("", std::slice::from_ref(&tx), "ordered").await;
    let page = world.page(&format!("/tx/{}", tx.hash())).await.text;
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=x"), "{page}");
    assert!(!page.contains("<script>") && !page.contains("<img"), "{page}");
    let search = world.page("/search?q=%3Cscript%3Ealert(1)%3C/script%3E").await;
    assert_eq!(search.status, StatusCode::NOT_FOUND);
    assert!(!search.text.contains("<script>") && search.text.contains("&lt;script&gt;"), "{}", search.text);
    world.stop();
}

#[tokio::test]
async fn a_search_leads_to_what_it_names() {
    let world = World::quick();
    let rows = [
        ("17".to_owned(), "/l/root/block/17".to_owned()),
        (account(USER).to_string(), format!("/l/root/account/{}", account(USER))),
        (world.child_id.to_string(), format!("/l/root/associates/{}", world.child_id)),
        ("bank".into(), "/l/bank".into()),
        ("%20bank%20".into(), "/l/bank".into()),
    ];
    for (text, to) in rows {
        let answer = world.page(&format!("/search?q={text}")).await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, Some(to.as_str())), "{text}");
    }
    world.stop();
}

#[tokio::test]
async fn assets_are_kept_and_pages_ask_for_them_by_their_content() {
    let world = World::quick();
    let page = world.page("/").await.text;
    let assets: Vec<_> = page.split('"').filter(|text| text.starts_with("/assets/")).collect();
    assert_eq!(assets.len(), 3, "{assets:?}");
    for asset in assets {
        let answer = world.get(asset).await;
        assert_eq!(answer.status, StatusCode::OK, "{asset}");
        assert!(asset.contains("?v=") && answer.header("cache-control").unwrap().contains("immutable"), "{asset}");
    }
    world.stop();
}
