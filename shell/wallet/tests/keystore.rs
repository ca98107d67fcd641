//! A keystore as its user sees it: a folder, names, passwords.
//!
//! Costs are the least that the format accepts, which every file states for itself.

use std::{collections::BTreeMap, fs, path::Path};

use banyan_wallet::{
    Keystore, Mnemonic, Name, Password, Secret,
    keystore::{Cost, Entry, FILE_BYTES_MAX, KeystoreError, SecretKind},
    mnemonic::DEV_MNEMONIC,
};

const SK: &str = "sk_3CXjJ442EpPiSGrEhyRM6GH27PbdWzEPW3SVFD3vThXocDM2x";
const PUBLIC_TOOL: &str = include_str!("vectors/aecli.json");

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn password(text: &str) -> Password {
    Password::new(text.into()).unwrap()
}

fn key() -> Secret {
    Secret::parse(SK).unwrap()
}

fn cheap(dir: &Path) -> Keystore {
    Keystore::open(dir).unwrap().with_cost(Cost::LEAST)
}

/// A keystore with the entry `alice`, locked under `right`.
fn with_alice() -> (tempfile::TempDir, Keystore, Entry) {
    let dir = tempfile::tempdir().unwrap();
    let store = cheap(dir.path());
    let alice = store.create(&name("alice"), &key(), &password("right")).unwrap();
    (dir, store, alice)
}

/// Every file of a folder with its content.
fn content(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(dir).unwrap().map(|item| item.unwrap());
    files.map(|item| (item.file_name().into_string().unwrap(), fs::read(item.path()).unwrap())).collect()
}

#[test]
fn keys_and_mnemonics_come_back_as_they_were_kept() {
    let (_dir, store, alice) = with_alice();
    let words = Secret::Mnemonic(Mnemonic::parse(DEV_MNEMONIC).unwrap());
    let bob = store.create(&name("bob"), &words, &password("other")).unwrap();

    assert_eq!(*store.unlock(&alice.name, &password("right")).unwrap().reveal(), SK);
    assert_eq!(*store.unlock(&bob.name, &password("other")).unwrap().reveal(), DEV_MNEMONIC);
    assert_eq!((alice.kind, bob.kind), (SecretKind::Ed25519, SecretKind::Bip39));
    assert_eq!(alice.account, bob.account); // the key is the first account of the words
    assert_ne!(alice.id, bob.id);
    assert_eq!(store.list().unwrap().entries, [alice, bob]);
}

#[test]
fn a_wrong_password_changes_nothing() {
    let (dir, store, alice) = with_alice();
    let before = content(dir.path());
    let wrong = password("wrong");
    let errors = [
        store.unlock(&alice.name, &wrong).unwrap_err(),
        store.change_password(&alice.name, &wrong, &password("new")).unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.to_string(), "wrong password for alice, or its file is damaged; nothing was changed");
        assert!(!error.is_ours());
    }
    assert_eq!(content(dir.path()), before);
}

#[test]
fn an_entry_that_exists_is_never_overwritten() {
    let (dir, store, alice) = with_alice();
    let json = store.export(&alice.name).unwrap();
    let bob = store.import(&json, Some(&name("bob"))).unwrap();
    let before = content(dir.path());
    let errors = [
        store.create(&alice.name, &key(), &password("right")).unwrap_err(),
        store.import(&json, None).unwrap_err(),
        store.rename(&bob.name, &alice.name).unwrap_err(),
        store.rename(&alice.name, &alice.name).unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.to_string(), "alice exists already");
    }
    assert_eq!(content(dir.path()), before);
}

#[test]
fn of_two_who_create_one_name_at_once_one_wins() {
    let dir = tempfile::tempdir().unwrap();
    let store = cheap(dir.path());
    let create = |text: &str| store.create(&name("alice"), &key(), &password(text)).is_ok();
    let won = std::thread::scope(|scope| {
        let other = scope.spawn(|| create("other"));
        [create("mine"), other.join().unwrap()]
    });
    assert_ne!(won[0], won[1]);
    let winner = if won[0] { "mine" } else { "other" };
    assert!(store.unlock(&name("alice"), &password(winner)).is_ok());
}

#[test]
fn a_changed_password_replaces_the_old_one() {
    let (_dir, store, alice) = with_alice();
    store.change_password(&alice.name, &password("right"), &password("new")).unwrap();
    assert!(matches!(store.unlock(&alice.name, &password("right")), Err(KeystoreError::WrongPassword { .. })));
    assert_eq!(*store.unlock(&alice.name, &password("new")).unwrap().reveal(), SK);
    assert_eq!(store.list().unwrap().entries, [alice]);
}

#[test]
fn a_renamed_entry_keeps_its_id_and_password() {
    let (_dir, store, alice) = with_alice();
    let carol = store.rename(&alice.name, &name("carol")).unwrap();
    assert_eq!(carol, Entry { name: name("carol"), ..alice.clone() });
    assert!(matches!(store.entry(&alice.name), Err(KeystoreError::Unknown { .. })));
    assert!(store.export(&carol.name).unwrap().starts_with(r#"{"name":"carol","version":1,"public_key":"ak_21SBP"#));
    assert!(store.unlock(&carol.name, &password("right")).is_ok());
}

#[test]
fn a_removed_entry_is_gone() {
    let (_dir, store, alice) = with_alice();
    store.remove(&alice.name).unwrap();
    assert!(store.list().unwrap().entries.is_empty());
    for error in [
        store.remove(&alice.name).unwrap_err(),
        store.unlock(&alice.name, &password("right")).unwrap_err(),
        store.rename(&alice.name, &name("bob")).unwrap_err(),
        store.change_password(&alice.name, &password("right"), &password("new")).unwrap_err(),
        store.export(&alice.name).unwrap_err(),
    ] {
        assert_eq!(error.to_string(), "there is no account alice");
    }
}

#[test]
fn an_exported_entry_opens_in_another_keystore() {
    let (_dir, store, alice) = with_alice();
    let other_dir = tempfile::tempdir().unwrap();
    let other = cheap(other_dir.path());
    assert_eq!(other.import(&store.export(&alice.name).unwrap(), None).unwrap(), alice);
    assert_eq!(*other.unlock(&alice.name, &password("right")).unwrap().reveal(), SK);
}

#[test]
fn a_file_of_the_public_tool_is_imported_under_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let store = cheap(dir.path());
    let entry = store.import(PUBLIC_TOOL, None).unwrap();
    assert_eq!(entry.name, name("aecli"));
    assert_eq!(*store.unlock(&entry.name, &password("correct horse bätterie 🌳")).unwrap().reveal(), SK);
    let nameless = PUBLIC_TOOL.replace("\"aecli\"", "\"../../etc\"");
    assert!(matches!(store.import(&nameless, None), Err(KeystoreError::Name(_))));
    assert!(store.import(&nameless, Some(&name("safe"))).is_ok());
}

#[test]
fn what_a_crash_leaves_behind_is_ignored_and_cleared() {
    let (dir, store, alice) = with_alice();
    fs::write(dir.path().join(".new"), "half of a fi").unwrap();
    let listing = store.list().unwrap();
    assert_eq!((listing.entries, listing.broken.len()), (vec![alice], 0));
    store.create(&name("bob"), &key(), &password("right")).unwrap();
    assert_eq!(content(dir.path()).into_keys().collect::<Vec<_>>(), [".lock", "alice.json", "bob.json"]);
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let outer = tempfile::tempdir().unwrap();
    let dir = outer.path().join("made/by/us");
    let store = cheap(&dir);
    store.create(&name("alice"), &key(), &password("right")).unwrap();
    store.change_password(&name("alice"), &password("right"), &password("new")).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    assert_eq!(mode(&dir.join("alice.json")), 0o600);
}

#[test]
fn one_bad_file_does_not_hide_the_others() {
    let (dir, store, alice) = with_alice();
    fs::write(dir.path().join("broken.json"), "{}").unwrap();
    fs::write(dir.path().join("Not A Name.json"), PUBLIC_TOOL).unwrap();
    fs::write(dir.path().join("huge.json"), vec![b' '; 10 * FILE_BYTES_MAX]).unwrap();
    fs::create_dir(dir.path().join("folder.json")).unwrap();
    fs::write(dir.path().join("notes.txt"), "not ours").unwrap();
    let listing = store.list().unwrap();
    assert_eq!(listing.entries, [alice]);
    let broken: Vec<_> = listing.broken.iter().map(|error| (error.to_string(), error.is_ours())).collect();
    let starts =
        ["a name is", "the file of broken is not good", "cannot read", "the file of huge is not good: file is above"];
    assert_eq!(broken.len(), starts.len());
    for ((message, ours), start) in broken.iter().zip(starts) {
        assert!(message.starts_with(start) && *ours == (start == "cannot read"), "{message}");
    }
}

#[test]
fn a_copied_file_is_called_as_its_copy_is() {
    let (dir, store, _) = with_alice();
    fs::copy(dir.path().join("alice.json"), dir.path().join("copy.json")).unwrap();
    let error = store.unlock(&name("copy"), &password("wrong")).unwrap_err();
    assert!(matches!(error, KeystoreError::WrongPassword { name } if name == "copy"));
}

#[test]
fn a_disk_that_refuses_is_our_fault() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = Keystore::open(file.path().join("below")).unwrap_err();
    assert!(error.is_ours(), "{error}");
}

#[test]
fn new_files_cost_what_the_standard_says() {
    let dir = tempfile::tempdir().unwrap();
    let store = Keystore::open(dir.path()).unwrap();
    store.create(&name("alice"), &key(), &password("right")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&store.export(&name("alice")).unwrap()).unwrap();
    let params = &json["crypto"]["kdf_params"];
    assert_eq!(
        (&params["memlimit_kib"], &params["opslimit"], &params["parallelism"]),
        (&262_144.into(), &3.into(), &1.into())
    );
    assert_eq!(params["salt"].as_str().map(str::len), Some(32));
}
