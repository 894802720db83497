//! What Systems Manager takes and refuses: compliance, inventory, parameters.

use aws_sdk_ssm::operation::put_compliance_items::builders::PutComplianceItemsFluentBuilder;
use aws_sdk_ssm::operation::put_inventory::builders::PutInventoryFluentBuilder;
use aws_sdk_ssm::types::{
    ComplianceExecutionSummary, ComplianceItemEntry, ComplianceSeverity, ComplianceStatus,
    ComplianceUploadType, InventoryItem, ParameterType,
};
use aws_smithy_types::DateTime;

use super::clients::{Clients, Said, code};
use super::double;

const INSTANCE: &str = "i-0123456789abcdef0";

#[test]
fn compliance_is_of_a_managed_instance_and_a_custom_type() {
    let aws = double();
    let clients = Clients::of(&aws);
    let put = |instance: &str, kind: &str, resource: &str| {
        let put = items(&clients, &["a"]).resource_id(instance).compliance_type(kind).resource_type(resource);
        clients.ask(put.send()).map(drop)
    };
    for instance in [INSTANCE, "i-01234567", "mi-0123456789abcdef0"] {
        assert_eq!(put(instance, KIND, "ManagedInstance"), Ok(()), "{instance}");
    }
    for instance in ["i-0123456", "i-0123456789abcdef01", "mi-01234567", "host", "i-0123456789abcde/0"] {
        assert_eq!(code(put(instance, KIND, "ManagedInstance")), "InvalidResourceId", "{instance}");
    }
    assert_eq!(code(put(INSTANCE, KIND, "Instance")), "InvalidResourceType");
    let longest = format!("Custom:{}", "x".repeat(93));
    for kind in ["Custom:ab", "Custom:-b", &longest] {
        assert_eq!(put(INSTANCE, kind, "ManagedInstance"), Ok(()), "{kind}");
    }
    for kind in ["Custom:a", "Custom:", "Custom:a b", "Custom:a-b", "Patch", &format!("{longest}x")] {
        assert_eq!(code(put(INSTANCE, kind, "ManagedInstance")), "ValidationException", "{kind}");
    }
}

#[test]
fn compliance_items_have_their_bounds() {
    let aws = double();
    let clients = Clients::of(&aws);
    let put = |count: usize, title: &str| {
        let items = (0..count).map(|n| item(&format!("{n}"), title)).collect();
        clients.ask(base(&clients).set_items(Some(items)).send()).map(drop)
    };
    assert_eq!(put(0, ""), Ok(()));
    assert_eq!(put(1, &"\u{fc}".repeat(500)), Ok(()));
    assert_eq!(code(put(1, &"x".repeat(501))), "ValidationException");
    assert_eq!(put(10_000, "x"), Ok(()));
    assert_eq!(aws.compliance()[0].items.len(), 10_000);
    assert_eq!(code(put(10_001, "x")), "ValidationException");
    assert_eq!(code(put(2000, &"x".repeat(400))), "TotalSizeLimitExceededException");
    let odd = item("x", "x");
    let odd = ComplianceItemEntry::builder().severity(ComplianceSeverity::from("GRAVE")).status(odd.status);
    assert_eq!(code(clients.ask(base(&clients).items(odd.build().unwrap()).send())), "ValidationException");
    for (name, value, is_taken) in [
        ("x".repeat(64), "x".repeat(4096), true),
        ("x".repeat(65), String::new(), false),
        ("x".to_owned(), "x".repeat(4097), false),
        (String::new(), String::new(), false),
    ] {
        let mut item = item("x", "x");
        item.details = Some([(name, value)].into());
        assert_eq!(clients.ask(base(&clients).items(item).send()).is_ok(), is_taken);
    }
}

#[test]
fn a_whole_upload_replaces_a_partial_one_adds_and_an_equal_one_is_skipped() {
    let aws = double();
    let clients = Clients::of(&aws);
    let put = |ids: &[&str], kind: ComplianceUploadType, hash: &str| {
        let put = items(&clients, ids).upload_type(kind).item_content_hash(hash);
        clients.ask(put.send()).unwrap();
        let known = aws.compliance().remove(0);
        let ids = known.items.iter().map(|item| item["Id"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
        (ids.concat(), known.puts, known.skipped)
    };
    assert_eq!(put(&["a", "b"], ComplianceUploadType::Complete, "1"), ("ab".to_owned(), 1, 0));
    assert_eq!(put(&["c"], ComplianceUploadType::Complete, "2"), ("c".to_owned(), 2, 0));
    assert_eq!(put(&["a"], ComplianceUploadType::Complete, "2"), ("c".to_owned(), 3, 1));
    assert_eq!(put(&["c", "d"], ComplianceUploadType::Partial, "3"), ("cd".to_owned(), 4, 1));
    let known = aws.compliance().remove(0);
    assert_eq!((known.instance.as_str(), known.kind.as_str()), (INSTANCE, KIND));
    assert_eq!((known.execution_time, known.hash.as_deref()), (1000.5, Some("3")));
    assert_eq!(known.execution["ExecutionType"], "test");
    let long = "x".repeat(257);
    let refused = clients.ask(items(&clients, &["a"]).item_content_hash(long).send());
    assert_eq!(code(refused), "ValidationException");
}

#[test]
fn inventory_has_a_shape() {
    let aws = double();
    let clients = Clients::of(&aws);
    let longest = format!("Custom:{}", "x".repeat(93));
    let put = |name: &str, version: &str, time: &str| {
        let item = inventory(name).schema_version(version).capture_time(time).set_content(Some(Vec::new()));
        clients.ask(one(&clients).items(item.build().unwrap()).send()).map(drop)
    };
    let time = "2026-11-22T12:00:00Z";
    for (name, version, time) in [
        (TYPE, "1.0", time),
        (TYPE, "123456.123456", "2099-12-31T23:59:59Z"),
        (&longest, "0.0", "2000-01-01T00:00:00Z"),
    ] {
        assert_eq!(put(name, version, time), Ok(()), "{name} {version} {time}");
    }
    for version in ["1", "1.", "1.0.0", "1234567.0", "v1.0", ""] {
        assert_eq!(code(put(TYPE, version, time)), "ValidationException", "{version}");
    }
    for time in [
        "2026-11-22T12:00:00.000Z",
        "2026-11-22T12:00:00+00:00",
        "2026-13-22T12:00:00Z",
        "1999-11-22T12:00:00Z",
        "2026-11-22T24:00:00Z",
        "",
    ] {
        assert_eq!(code(put(TYPE, "1.0", time)), "ValidationException", "{time}");
    }
    assert_eq!(code(put("Other:x", "1.0", time)), "ValidationException");
    assert_eq!(code(put(&format!("{longest}x"), "1.0", time)), "ValidationException");
    assert_eq!(code(put("AWS:Application", "1.0", time)), "InvalidTypeNameException");
    let other = clients.ssm.put_inventory().instance_id("host").items(full(TYPE, 1, ""));
    assert_eq!(code(clients.ask(other.send())), "InvalidInstanceId");
}

#[test]
fn inventory_items_have_their_bounds() {
    let aws = double();
    let clients = Clients::of(&aws);
    let put = |items: Vec<InventoryItem>| clients.ask(one(&clients).set_items(Some(items)).send()).map(drop);
    let some = |count: usize| (0..count).map(|n| full(&format!("Custom:{n}"), 1, "v")).collect();
    assert_eq!(put(some(30)), Ok(()));
    assert_eq!(aws.inventory().len(), 30);
    assert_eq!(code(put(some(31))), "ValidationException");
    assert_eq!(code(put(Vec::new())), "ValidationException");
    assert_eq!(put(vec![full(TYPE, 10_000, "")]), Ok(()));
    assert_eq!(code(put(vec![full(TYPE, 10_001, "")])), "ValidationException");
    assert_eq!(put(vec![full(TYPE, 1, &"x".repeat(4096))]), Ok(()));
    assert_eq!(code(put(vec![full(TYPE, 1, &"x".repeat(4097))])), "InvalidItemContentException");
    assert_eq!(code(put(vec![full(TYPE, 100, &"x".repeat(4096))])), "ItemSizeLimitExceededException");
    let large = (0..7).map(|n| full(&format!("Custom:{n}"), 40, &"x".repeat(4096))).collect();
    assert_eq!(code(put(large)), "TotalSizeLimitExceededException");
    assert_eq!(code(put(vec![full(TYPE, 1, ""), full(TYPE, 1, "")])), "InvalidItemContentException");
}

#[test]
fn a_hash_alone_is_taken_while_it_is_that_of_the_content() {
    let aws = double();
    let clients = Clients::of(&aws);
    let put = |hash: &str, has_content: bool| -> Result<(), Said> {
        let mut item = full(TYPE, 2, "v");
        item.content_hash = Some(hash.to_owned());
        item.content = item.content.filter(|_| has_content);
        clients.ask(one(&clients).items(item).send()).map(drop)
    };
    let mismatch = "ItemContentMismatchException";
    assert_eq!(code(put("1", false)), mismatch, "nothing is known yet");
    assert_eq!(put("1", true), Ok(()));
    assert_eq!(put("1", false), Ok(()));
    assert_eq!(code(put("2", false)), mismatch);
    let known = aws.inventory().remove(0);
    assert_eq!((known.entries.len(), known.puts, known.hashes), (2, 1, 1));
    assert_eq!((known.hash.as_deref(), known.schema_version.as_str()), (Some("1"), "1.0"));
    assert_eq!((known.instance.as_str(), known.type_name.as_str()), (INSTANCE, TYPE));
    assert_eq!(known.capture_time, "2026-11-22T12:00:00Z");
}

#[test]
fn a_parameter_is_never_overwritten_unless_asked_to() {
    let aws = double();
    aws.put_parameter("/theirs", "old");
    let clients = Clients::of(&aws);
    let put = |name: &str, overwrite: Option<bool>| {
        let put = clients.ssm.put_parameter().name(name).value("new").r#type(ParameterType::String);
        clients.ask(put.set_overwrite(overwrite).send()).map(|done| done.version())
    };
    assert_eq!(code(put("/theirs", None)), "ParameterAlreadyExists");
    assert_eq!(code(put("/theirs", Some(false))), "ParameterAlreadyExists");
    assert_eq!(aws.parameters()[0].value, "old");
    assert_eq!(put("/theirs", Some(true)), Ok(2));
    assert_eq!(put("/ours", Some(false)), Ok(1));
    let known: Vec<_> = aws.parameters().into_iter().map(|p| (p.name, p.value, p.kind, p.version)).collect();
    let wanted = |name: &str, version| (name.to_owned(), "new".to_owned(), "String".to_owned(), version);
    assert_eq!(known, [wanted("/ours", 1), wanted("/theirs", 2)]);
    assert!(aws.parameters()[0].modified <= aws.now());
}

#[test]
fn a_secret_is_shown_only_where_it_is_asked_for() {
    let aws = double();
    let clients = Clients::of(&aws);
    let put = clients.ssm.put_parameter().name("/a/key").value("secret").r#type(ParameterType::SecureString);
    clients.ask(put.send()).unwrap();
    let get = |name: &str, plain: bool| {
        let get = clients.ssm.get_parameter().name(name).with_decryption(plain);
        clients.ask(get.send()).map(|found| found.parameter().unwrap().value().unwrap().to_owned())
    };
    assert_eq!(get("/a/key", true), Ok("secret".to_owned()));
    assert_ne!(get("/a/key", false), Ok("secret".to_owned()));
    assert_eq!(code(get("/a/none", true)), "ParameterNotFound");
}

#[test]
fn parameters_have_names_values_and_patterns() {
    let aws = double();
    let clients = Clients::of(&aws);
    let put = |name: &str, value: &str, pattern: Option<&str>| {
        let put = clients.ssm.put_parameter().name(name).value(value).r#type(ParameterType::String);
        clients.ask(put.overwrite(true).set_allowed_pattern(pattern.map(str::to_owned)).send()).map(drop)
    };
    let deep = "/x".repeat(15);
    assert_eq!(put(&deep, &"x".repeat(4096), None), Ok(()));
    assert_eq!(code(put(&format!("{deep}/x"), "x", None)), "HierarchyLevelLimitExceededException");
    assert_eq!(code(put("/x", &"x".repeat(4097), None)), "ValidationException");
    for (name, value) in
        [("a b", "x"), ("", "x"), ("a/b", "x"), ("/x:y", "x"), ("/x", ""), ("/x", "{{ssm:y}}")]
    {
        assert_eq!(code(put(name, value, None)), "ValidationException", "{name} {value}");
    }
    assert_eq!(code(put("/aws/x", "x", None)), "AccessDeniedException");
    assert_eq!(put("/x", "0f", Some("[0-9a-f]{2}")), Ok(()));
    assert_eq!(code(put("/x", "0f0", Some("[0-9a-f]{2}"))), "ParameterPatternMismatchException");
    assert_eq!(code(put("/x", "0f", Some("[0-9"))), "InvalidAllowedPatternException");
    let untyped = clients.ssm.put_parameter().name("/y").value("x");
    assert_eq!(code(clients.ask(untyped.send())), "ValidationException");
}

#[test]
fn a_path_is_read_ten_at_a_time() {
    let aws = double();
    for number in 10..22 {
        aws.put_parameter(&format!("/p/{number}"), "x");
    }
    aws.put_parameter("/p/10/below", "x");
    aws.put_parameter("/pp", "x");
    let clients = Clients::of(&aws);
    let page = |recursive: bool, most: Option<i32>, token: Option<String>| {
        let page = clients.ssm.get_parameters_by_path().path("/p").recursive(recursive);
        clients
            .ask(page.set_max_results(most).set_next_token(token).send())
            .map(|page| (page.parameters().len(), page.next_token().map(str::to_owned)))
    };
    let (first, token) = page(false, None, None).unwrap();
    assert_eq!((first, page(false, None, token)), (10, Ok((2, None))));
    let (first, token) = page(true, Some(9), None).unwrap();
    assert_eq!((first, page(true, Some(9), token)), (9, Ok((4, None))));
    assert_eq!(code(page(false, Some(11), None)), "ValidationException");
}

pub(super) fn base(clients: &Clients) -> PutComplianceItemsFluentBuilder {
    let execution = ComplianceExecutionSummary::builder()
        .execution_time(DateTime::from_secs_f64(1000.5))
        .execution_type("test")
        .build();
    clients
        .ssm
        .put_compliance_items()
        .resource_id(INSTANCE)
        .resource_type("ManagedInstance")
        .compliance_type(KIND)
        .execution_summary(execution.unwrap())
}

fn items(clients: &Clients, ids: &[&str]) -> PutComplianceItemsFluentBuilder {
    ids.iter().fold(base(clients), |put, id| put.items(item(id, "title")))
}

fn item(id: &str, title: &str) -> ComplianceItemEntry {
    ComplianceItemEntry::builder()
        .id(id)
        .title(title)
        .severity(ComplianceSeverity::High)
        .status(ComplianceStatus::NonCompliant)
        .build()
        .unwrap()
}

fn one(clients: &Clients) -> PutInventoryFluentBuilder {
    clients.ssm.put_inventory().instance_id(INSTANCE)
}

fn inventory(name: &str) -> aws_sdk_ssm::types::builders::InventoryItemBuilder {
    InventoryItem::builder().type_name(name).schema_version("1.0").capture_time("2026-11-22T12:00:00Z")
}

fn full(name: &str, entries: usize, value: &str) -> InventoryItem {
    let entry = || [("k".to_owned(), value.to_owned())].into();
    inventory(name).set_content(Some((0..entries).map(|_| entry()).collect())).build().unwrap()
}

const KIND: &str = "Custom:Guestward";
const TYPE: &str = "Custom:Guestward";
