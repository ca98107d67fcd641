//! Put the surfaces together and serve them.

use std::{
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    extract::{DefaultBodyLimit, OriginalUri, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use banyan_ledger::Fault;
use tokio::net::TcpListener;
use tower_http::cors::{Any, CorsLayer};
use utoipa::openapi::{InfoBuilder, OpenApi, OpenApiBuilder};
use utoipa_axum::router::OpenApiRouter;

use crate::{
    Failure, Tree,
    ask::BODY_BYTES_MAX,
    failure::{OWNER, unknown_route},
    ladder::Rungs,
    ledger::Mount,
    open, page, v1, v3,
};

/// How long open connections may go on after the signal to stop. Source: node 5.
const GRACE: Duration = Duration::from_secs(1);
/// Header that carries our own version, which `/v3` cannot.
const VERSION: HeaderName = HeaderName::from_static("banyan-version");
/// Header that names a request.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Header that says how sure the state is that an answer rests on. Source: node 7.2.
const LEVEL: HeaderName = HeaderName::from_static("banyan-level");
/// Characters of a request id that a client may choose.
const REQUEST_ID_MAX: usize = 64;

/// Everything that `tree` serves: the first ledger at `/`, each at `/l/<name>/`.
pub fn router(tree: Tree) -> Router {
    whole(&Arc::new(tree))
}

fn whole(tree: &Arc<Tree>) -> Router {
    let mut router = mounted(Mount::new(tree, 0, ""));
    for (at, ledger) in tree.ledgers().iter().enumerate() {
        let base = format!("/l/{}", ledger.name());
        let mount = Mount::new(tree, at, &base);
        // A mount's own address is written with and without the last stroke.
        let home = get(page::home).layer(middleware::from_fn_with_state(mount.clone(), finish));
        router = router.route(&format!("{base}/"), home.with_state(mount.clone()));
        router = router.nest(&base, mounted(mount));
    }
    router.merge(page::assets()).layer(cors())
}

/// The ledgers of a tree, and one of them by itself at `/`: for another port.
pub fn routers(tree: Tree, alone: &str) -> (Router, Option<Router>) {
    let tree = Arc::new(tree);
    let at = tree.ledgers().iter().position(|ledger| ledger.name() == alone);
    let alone = at.map(|at| mounted(Mount::new(&tree, at, "")).layer(cors()));
    (whole(&tree), alone)
}

/// The surfaces of one ledger.
fn mounted(mount: Mount) -> Router {
    let (api, _) = api().split_for_parts();
    let surfaces = api.merge(page::routes()).fallback(async |uri: Uri| unknown_route(uri.path()));
    surfaces
        .method_not_allowed_fallback(async |method: Method, uri: Uri| wrong_method(&method, &uri))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn_with_state(mount.clone(), finish))
        .with_state(mount)
}

/// The routes that are in the document.
fn api() -> OpenApiRouter<Mount> {
    OpenApiRouter::new().nest("/v3", v3::routes()).nest("/banyan/v1", v1::routes()).merge(open::routes())
}

/// The OpenAPI document, generated from the handlers. Its paths are relative to a ledger's mount.
pub fn document() -> OpenApi {
    let (_, generated) = api().split_for_parts();
    let info = InfoBuilder::new()
        .title("Banyan")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some("Paths are relative to a ledger's mount: / or /l/<name>."))
        .build();
    OpenApiBuilder::new().info(info).paths(generated.paths).components(generated.components).build()
}

/// The document as it is served.
pub(crate) fn document_json() -> &'static str {
    static JSON: LazyLock<String> = LazyLock::new(|| document().to_json().unwrap_or_default());
    &JSON
}

fn wrong_method(method: &Method, uri: &Uri) -> Failure {
    let message = format!("{} does not answer {method}", uri.path());
    Failure::invalid("wrong_method", message).status(StatusCode::METHOD_NOT_ALLOWED)
}

fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST, Method::OPTIONS])
        .allow_headers([header::CONTENT_TYPE, header::ACCEPT, HeaderName::from_static("last-event-id")])
        .expose_headers([OWNER, VERSION, REQUEST_ID, LEVEL])
}

/// Around every request of a mount: give it an id, render what failed for the surface that was asked, add headers.
/// Whoever may not see a ledger is answered as if it were not there.
async fn finish(State(mount): State<Mount>, mut request: Request, next: Next) -> Response {
    let id = request_id(&request);
    if let Some(scope) = mount.ledger().passes.admit(token(&request)) {
        request.extensions_mut().insert(scope);
        let surface = Surface::of(request.uri().path(), request.headers());
        return dress(Some(&mount), &id, &surface, next.run(request).await);
    }
    let uri = request.extensions().get::<OriginalUri>().map_or_else(|| request.uri().clone(), |uri| uri.0.clone());
    let surface = Surface::of(uri.path(), request.headers());
    let first = Some(mount.first()).filter(|first| first.ledger().passes.admit(None).is_some());
    dress(first.as_ref(), &id, &surface, unknown_route(uri.path()).into_response())
}

/// `mount` is what is shown around the answer: none to a stranger where nothing is for everybody.
fn dress(mount: Option<&Mount>, id: &str, surface: &Surface, mut response: Response) -> Response {
    if let Some(failure) = response.extensions_mut().remove::<Failure>() {
        tracing::debug!(request = %id, code = failure.code, message = %failure.message, "refused");
        response = match (surface, mount) {
            (Surface::Public, _) => failure.as_reason(),
            (Surface::Pages, Some(mount)) => failure.dressed(page::failed(mount, &failure)),
            (Surface::Ours, _) | (Surface::Pages, None) => failure.as_object(id),
        };
    }
    let headers = response.headers_mut();
    headers.insert(VERSION, HeaderValue::from_static(env!("CARGO_PKG_VERSION")));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
    if let Some(Ok(level)) = mount.map(Rungs::of_head) {
        headers.insert(LEVEL, HeaderValue::from_static(level.as_str()));
    }
    response
}

/// What a request says to see a private ledger.
fn token(request: &Request) -> Option<&str> {
    let said = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    // The scheme's case does not matter. Source: RFC 9110, 11.1.
    let (scheme, token) = said.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

/// Which form an error takes.
enum Surface {
    Public,
    Ours,
    Pages,
}

impl Surface {
    fn of(path: &str, headers: &HeaderMap) -> Self {
        let html = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
        if path.starts_with("/v3/") {
            Self::Public
        } else if !path.starts_with("/banyan/") && html.is_some_and(|accept| accept.contains("text/html")) {
            Self::Pages
        } else {
            Self::Ours
        }
    }
}

/// The client's own id if it is short and plain, else the next number.
fn request_id(request: &Request) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(1);
    let plain =
        |id: &&str| id.len() <= REQUEST_ID_MAX && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let given = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok()).filter(plain);
    given.map_or_else(|| format!("r{}", COUNT.fetch_add(1, Ordering::Relaxed)), ToOwned::to_owned)
}

/// Serve `router` on `listener` until `shutdown`; open requests may end, streams are cut after a second.
///
/// On a loopback address only requests that name a loopback host are answered: a page of another site must not reach the
/// node through a name that it points here.
/// # Errors
/// What the listener says.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let address = listener.local_addr()?;
    let router = if address.ip().is_loopback() { router.layer(middleware::from_fn(loopback_host)) } else { router };
    let (stop, mut stopped) = tokio::sync::watch::channel(());
    let signal = async move {
        shutdown.await;
        drop(stop);
    };
    let server = axum::serve(listener, router).with_graceful_shutdown(signal).into_future();
    let cut = async move {
        let _ = stopped.changed().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        ended = server => ended,
        () = cut => Ok(()),
    }
}

async fn loopback_host(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    if host.is_none_or(is_loopback) {
        return next.run(request).await;
    }
    let failure = Failure::new(
        Fault::Invalid,
        StatusCode::MISDIRECTED_REQUEST,
        "foreign_host",
        "this node listens on loopback and answers only to a loopback name",
    );
    failure.hint("ask http://127.0.0.1 or http://localhost").as_object("").into_response()
}

/// Whether a `Host` header names this machine's loopback.
fn is_loopback(host: &str) -> bool {
    if let Ok(address) = host.parse::<SocketAddr>() {
        return address.ip().is_loopback();
    }
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => host.split(':').next().unwrap_or(host),
    };
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
