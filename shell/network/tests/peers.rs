//! Real sockets on loopback: what two and more networks do to each other.

mod common;

use std::{
    collections::BTreeSet,
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    os::unix::fs::PermissionsExt as _,
    time::Duration,
};

use banyan_network::{Event, FRAME_BYTES_MAX, KeyError, NodeKey, NotSent, Priority, QUEUE_BYTES_MAX, Reason};
use common::{Node, PATIENCE, config, eventually};

fn failure(event: &Event) -> Option<Reason> {
    match event {
        Event::Failed { reason, .. } => Some(reason.clone()),
        _ => None,
    }
}

fn farewell(event: &Event) -> Option<Reason> {
    match event {
        Event::Gone { reason, .. } => Some(reason.clone()),
        _ => None,
    }
}

#[test]
fn frames_arrive_in_order_and_intact_up_to_the_longest() {
    let (a, b) = common::pair();
    let sizes = [1, 2, 255, 65_536, 1_000_003, FRAME_BYTES_MAX, 7];
    let to = a.peer_of(&b);
    for (n, size) in sizes.into_iter().enumerate() {
        let frame: Vec<u8> = (0..size).map(|i| u8::try_from((i * 31 + n) % 251).unwrap()).collect();
        a.network.send(to, Priority::Normal, frame.clone()).unwrap();
        let got = b.until("the frame", |event| match event {
            Event::Frame { frame, .. } => Some(frame.to_vec()),
            _ => None,
        });
        assert!(got == frame, "frame {n} of {size} bytes");
    }
}

#[test]
fn a_port_that_is_taken_is_told() {
    let a = Node::start(1, config());
    let mut second = config();
    second.listen = a.network.listening();
    assert!(common::start(2, second).is_err());
}

#[test]
fn an_oversized_or_empty_frame_is_refused_at_home() {
    let (a, b) = common::pair();
    let to = a.peer_of(&b);
    let oversized = NotSent::Oversized { bytes: FRAME_BYTES_MAX + 1, max: FRAME_BYTES_MAX };
    assert_eq!(a.network.send(to, Priority::High, vec![0; FRAME_BYTES_MAX + 1]), Err(oversized));
    assert_eq!(a.network.send(to, Priority::High, Vec::new()), Err(NotSent::Empty));
}

#[test]
fn garbage_on_the_port_does_no_harm() {
    let (a, b) = common::pair();
    let mut stranger = TcpStream::connect(a.address().address).unwrap();
    let _ = stranger.write_all(&vec![0xff; 100_000]);
    stranger.set_read_timeout(Some(PATIENCE)).unwrap();
    // It is hung up on: an end or an error, not silence.
    let mut answer = Vec::new();
    let ended = stranger.read_to_end(&mut answer);
    assert!(!ended.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock), "still open");
    a.network.send(a.peer_of(&b), Priority::Normal, vec![1]).unwrap();
    b.until("a frame", |event| matches!(event, Event::Frame { .. }).then_some(()));
}

#[test]
fn a_caller_who_says_nothing_is_cut_off_slow() {
    let a = Node::start(1, config());
    let mut stranger = TcpStream::connect(a.address().address).unwrap();
    stranger.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut answer = Vec::new();
    let ended = stranger.read_to_end(&mut answer);
    assert!(!ended.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock), "still open");
}

#[test]
fn who_does_not_read_is_disconnected_and_costs_a_bounded_number_of_bytes() {
    let (a, b) = common::pair();
    let (to, megabyte) = (a.peer_of(&b), vec![0; 1 << 20]);
    let mut taken = 0;
    // b holds every frame that comes, so its credit for a is soon used up.
    loop {
        match a.network.send(to, Priority::Normal, megabyte.clone()) {
            Ok(()) => taken += 1,
            Err(NotSent::Slow { bytes, .. }) => break assert!(bytes > QUEUE_BYTES_MAX),
            Err(error) => panic!("{error}"),
        }
        assert!(taken < 256, "no end to what is taken");
    }
    assert_eq!(a.until("a farewell", farewell), Reason::Slow);
    b.peer_gone();
    let held = b.events.lock().unwrap().try_iter().filter(|event| matches!(event, Event::Frame { .. })).count();
    assert!(held <= 8, "{held} MiB held for one peer");
}

#[test]
fn bans_persist_over_a_restart_until_they_are_lifted() {
    let directory = tempfile::tempdir().unwrap();
    let mut kept = config();
    kept.directory = Some(directory.path().into());
    let a = Node::start(1, kept.clone());
    let mut caller = config();
    caller.boot = vec![a.address()];
    let b = Node::start(2, caller);
    a.network.disconnect(a.peer_of(&b), Some(Duration::from_hours(1)));
    assert_eq!(a.until("a farewell", farewell), Reason::Banned);
    kept.listen = a.network.listening();
    drop(a);
    let a = Node::start(1, kept);
    assert_eq!(a.network.bans().iter().map(|ban| ban.key).collect::<Vec<_>>(), [b.key]);
    b.until("a refusal", failure);
    assert!(a.network.peers().is_empty());
    assert!(a.network.lift(&b.key));
    a.peer_of(&b);
}

#[test]
fn three_nodes_find_each_other_from_one() {
    let a = Node::start(1, config());
    let mut caller = config();
    caller.boot = vec![a.address()];
    let (b, c) = (Node::start(2, caller.clone()), Node::start(3, caller));
    eventually("meeting", || {
        // What the gossip machine will do: pass on the addresses that a has been told.
        for node in [&b, &c] {
            node.network.learn(a.network.known());
        }
        [&a, &b, &c].into_iter().all(|node| node.network.peers().len() == 2)
    });
}

#[test]
fn another_network_is_told_apart() {
    let a = Node::start(1, config());
    let mut stranger = config();
    stranger.network = [2; 32];
    stranger.boot = vec![a.address()];
    let b = Node::start(2, stranger);
    let ours = "/banyan/0202020202020202/1".to_owned();
    assert_eq!(b.until("a refusal", failure), Reason::OtherNetwork { ours });
    // The same digits in front are not the same network either.
    let mut cousin = config();
    cousin.network = [[1; 16], [3; 16]].concat().try_into().unwrap();
    cousin.boot = vec![a.address()];
    let c = Node::start(3, cousin);
    let ours = "/banyan/0101010101010101/1".to_owned();
    assert_eq!(c.until("a refusal", failure), Reason::OtherNetwork { ours });
    assert!(a.network.peers().is_empty());
}

#[test]
fn only_keys_on_the_allow_list_are_spoken_with() {
    let mut closed = config();
    closed.allow = Some(BTreeSet::from([NodeKey::from_seed([3; 32]).public()]));
    let a = Node::start(1, closed);
    let mut caller = config();
    caller.boot = vec![a.address()];
    let (b, c) = (Node::start(2, caller.clone()), Node::start(3, caller));
    a.peer_of(&c);
    b.until("a refusal", failure);
    assert!(a.network.peers().iter().all(|info| info.key == c.key));
}

#[test]
fn two_connections_of_one_pair_collapse_to_one() {
    let mut passive = config();
    passive.outbound = 0;
    let (a, b) = (Node::start(1, passive.clone()), Node::start(2, passive));
    for _ in 0..4 {
        a.network.connect(b.address());
        b.network.connect(a.address());
    }
    let lower_calls = a.key < b.key;
    eventually("one connection, called by the lower key", || {
        let (ours, theirs) = (a.network.peers(), b.network.peers());
        ours.len() == 1
            && theirs.len() == 1
            && ours.iter().all(|info| info.outbound == lower_calls)
            && theirs.iter().all(|info| info.outbound != lower_calls)
    });
}

#[test]
fn a_node_never_speaks_with_itself() {
    let a = Node::start(1, config());
    let mut address = a.address();
    a.network.connect(address);
    assert_eq!(a.until("a refusal", failure), Reason::Own);
    address.key = None;
    a.network.connect(address);
    assert_eq!(a.until("a refusal", failure), Reason::Own);
}

#[test]
fn a_cut_holds_until_the_two_are_joined() {
    let (a, b) = common::pair();
    a.network.cut(b.key);
    assert_eq!(a.until("a farewell", farewell), Reason::Cut);
    b.until("a refusal", failure);
    assert!(a.network.peers().is_empty());
    a.network.join(&b.key);
    a.peer_of(&b);
}

#[test]
fn a_node_key_is_made_once_and_refused_where_others_can_read_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("node.key");
    let made = NodeKey::open_or_create(&path).unwrap();
    assert_eq!(NodeKey::open_or_create(&path).unwrap().text(), made.text());
    assert!(made.text().starts_with("pp_"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(NodeKey::open_or_create(&path), Err(KeyError::Exposed { mode: 0o640, .. })));
}
