//! How events are read again: FilterLogEvents, GetLogEvents, Logs Insights.

use aws_sdk_cloudwatchlogs::operation::filter_log_events::builders::FilterLogEventsFluentBuilder;
use aws_sdk_cloudwatchlogs::types::QueryStatus;

use super::clients::{Clients, Said, code};
use super::{GROUP, double};
use crate::support::aws::{Aws, Class};

#[test]
fn a_search_gives_all_in_the_order_of_their_times_page_by_page() {
    let aws = double();
    let clients = Clients::of(&aws);
    let now = aws.now();
    // The later half came first.
    aws.seed(GROUP, "b", (12_000..25_000).map(|n| (now - 25_000 + n, format!("{n}"))));
    aws.seed(GROUP, "a", (0..12_000).map(|n| (now - 25_000 + n, format!("{n}"))));
    aws.quota("FilterLogEvents", 1000, 0);
    for gives_empty_pages in [false, true] {
        aws.empty_pages(gives_empty_pages);
        let pages = pages(&clients, |search| search).unwrap();
        let sizes: Vec<usize> = pages.iter().map(Vec::len).collect();
        let wanted: &[usize] =
            if gives_empty_pages { &[0, 10_000, 0, 10_000, 0, 5000] } else { &[10_000, 10_000, 5000] };
        assert_eq!(sizes, wanted);
        let all: Vec<String> = pages.concat();
        assert!(all.iter().enumerate().all(|(at, text)| *text == at.to_string()));
    }
}

#[test]
fn a_page_has_about_a_megabyte() {
    let aws = double();
    let clients = Clients::of(&aws);
    let now = aws.now();
    let long = "x".repeat(400_000);
    aws.seed(GROUP, "s", (0..5).map(|n| (now + n, long.clone())));
    let sizes: Vec<usize> = pages(&clients, |search| search).unwrap().iter().map(Vec::len).collect();
    assert_eq!(sizes, [2, 2, 1]);
}

#[test]
fn a_search_is_of_some_streams_and_a_time_with_both_ends() {
    let aws = double();
    let clients = Clients::of(&aws);
    let now = aws.now();
    aws.quota("FilterLogEvents", 100, 0);
    for stream in ["i-1/1", "i-1/2", "i-2/1"] {
        aws.seed(GROUP, stream, (0..3).map(|n| (now + n, format!("{stream} {n}"))));
    }
    let found = |narrow: Narrow| pages(&clients, narrow).unwrap().concat();
    assert_eq!(found(|s| s.log_stream_name_prefix("i-1/")).len(), 6);
    assert_eq!(found(|s| s.log_stream_names("i-1/2").log_stream_names("i-2/1")).len(), 6);
    let (start, end) = (now, now + 1);
    let search = clients.logs.filter_log_events().log_group_name(GROUP).start_time(start).end_time(end);
    assert_eq!(clients.ask(search.send()).unwrap().events().len(), 6, "three streams, two times");
    assert_eq!(code(pages(&clients, |s| s.log_stream_name_prefix("i").log_stream_names("i-2/1"))), PARAMETER);
    assert_eq!(code(pages(&clients, |s| s.next_token("x"))), PARAMETER);
    assert_eq!(code(pages(&clients, |s| s.limit(10_001))), PARAMETER);
    assert_eq!(code(pages(&clients, |s| s.filter_pattern("ERROR"))), PARAMETER);
    assert_eq!(pages(&clients, |s| s.limit(4)).unwrap().len(), 3);
    assert_eq!(code(pages(&clients, |s| s.log_stream_names("i-9"))), "ResourceNotFoundException");
    assert_eq!(code(pages(&clients, |s| s.log_group_name("/other"))), "ResourceNotFoundException");
}

#[test]
fn what_is_older_than_the_retention_is_gone() {
    let aws = double();
    aws.group(GROUP).retention_days(1);
    aws.freeze_clock();
    let clients = Clients::of(&aws);
    let day_ago = aws.now() - 24 * 3_600_000;
    aws.seed(GROUP, "s", [(day_ago - 1, "gone".to_owned()), (day_ago, "there".to_owned())]);
    assert_eq!(pages(&clients, |search| search).unwrap(), [["there"]]);
}

#[test]
fn a_group_of_the_cheaper_class_is_read_with_insights_alone() {
    let aws = double();
    aws.group(GROUP).class(Class::InfrequentAccess);
    let clients = Clients::of(&aws);
    assert_eq!(code(pages(&clients, |search| search)), PARAMETER);
    assert_eq!(code(get(&clients, None, true)), PARAMETER);
    aws.seed(GROUP, "s", [(aws.now() - 2000, "x".to_owned())]);
    assert_eq!(query(&aws, &clients, ALL).unwrap().len(), 1);
}

#[test]
fn a_stream_is_read_until_its_token_stays_the_same() {
    let aws = double();
    let clients = Clients::of(&aws);
    aws.quota("GetLogEvents", 100, 0);
    let now = aws.now();
    aws.seed(GROUP, "s", (0..12).map(|n| (now + n, format!("{n}"))));
    let mut token = None;
    let mut read = Vec::new();
    loop {
        let (events, next) = get(&clients, token.clone(), true).unwrap();
        read.extend(events);
        if token.as_ref() == Some(&next) {
            break;
        }
        token = Some(next);
    }
    assert_eq!(read, (0..12).map(|n| n.to_string()).collect::<Vec<_>>());
    assert_eq!(get(&clients, None, false).unwrap().0, ["7", "8", "9", "10", "11"], "the newest first of all");
    let one = clients.logs.get_log_events().log_group_name(GROUP).log_stream_name("s");
    let one = one.start_time(now + 1).end_time(now + 3).start_from_head(true);
    assert_eq!(clients.ask(one.send()).unwrap().events().len(), 2, "this end is exclusive");
}

#[test]
fn a_query_takes_its_time_and_shows_half_of_it_before() {
    let aws = double();
    let clients = Clients::of(&aws);
    aws.seed(GROUP, "i-1/1", (0..4).map(|n| (BASE + 1 + n, format!("{n}"))));
    let id = start(&aws, &clients, ALL).unwrap();
    let mut seen = Vec::new();
    for _ in 0..4 {
        let results = clients.ask(clients.logs.get_query_results().query_id(&id).send()).unwrap();
        seen.push((results.status().unwrap().clone(), results.results().len()));
    }
    let all = (QueryStatus::Complete, 4);
    assert_eq!(seen, [(QueryStatus::Scheduled, 0), (QueryStatus::Running, 2), all.clone(), all]);
    let rows = query(&aws, &clients, ALL).unwrap();
    let wanted = ["2026-11-20 12:26:40.001", "0", "i-1/1"].map(str::to_owned);
    assert_eq!(rows[0][..3], wanted);
    assert_eq!(rows[0].len(), 4, "a pointer comes with each");
}

#[test]
fn a_query_gives_ten_thousand_rows_and_knows_a_few_steps() {
    let aws = double();
    let clients = Clients::of(&aws);
    aws.quota("StartQuery", 100, 0);
    aws.quota("GetQueryResults", 100, 0);
    aws.seed(GROUP, "i-1/1", (0..10_001).map(|n| (BASE + n % 7, format!("{n}"))));
    aws.seed(GROUP, "i-2/1", [(BASE + 999, "other".to_owned())]);
    let count = |text: &str| query(&aws, &clients, text).map(|rows| rows.len());
    assert_eq!(count(ALL), Ok(10_000));
    assert_eq!(count("fields @message | filter @logStream like /^i-2\\// | sort @timestamp asc"), Ok(1));
    assert_eq!(count("fields @message | filter @logStream = \"i-2/1\" | limit 5"), Ok(1));
    let newest = query(&aws, &clients, "fields @message | sort @timestamp desc | limit 1").unwrap();
    assert_eq!(newest[0][0], "other");
    for text in [
        "fields @message | limit 10001",
        "stats count(*)",
        "",
        "fields @garbage",
        "fields @message | limit 0",
    ] {
        let code = query(&aws, &clients, text).unwrap_err().0;
        assert!(["MalformedQueryException", PARAMETER].contains(&code.as_str()), "{text}: {code}");
    }
    let of_unknown = clients.logs.get_query_results().query_id("x").send();
    assert_eq!(code(clients.ask(of_unknown)), "ResourceNotFoundException");
}

type Narrow = fn(FilterLogEventsFluentBuilder) -> FilterLogEventsFluentBuilder;

fn pages(clients: &Clients, narrow: Narrow) -> Result<Vec<Vec<String>>, Said> {
    let mut pages = Vec::new();
    let mut token = None;
    loop {
        let mut search = narrow(clients.logs.filter_log_events().log_group_name(GROUP));
        if token.is_some() {
            search = search.set_next_token(token);
        }
        let page = clients.ask(search.send())?;
        pages.push(page.events().iter().map(|event| event.message().unwrap().to_owned()).collect());
        token = page.next_token().map(str::to_owned);
        if token.is_none() {
            return Ok(pages);
        }
    }
}

fn get(clients: &Clients, token: Option<String>, from_head: bool) -> Result<(Vec<String>, String), Said> {
    let get = clients.logs.get_log_events().log_group_name(GROUP).log_stream_name("s").limit(5);
    let page = clients.ask(get.start_from_head(from_head).set_next_token(token).send())?;
    let events = page.events().iter().map(|event| event.message().unwrap().to_owned()).collect();
    Ok((events, page.next_forward_token().unwrap().to_owned()))
}

/// From [`BASE`] until now.
fn start(aws: &Aws, clients: &Clients, text: &str) -> Result<String, Said> {
    let start = clients.logs.start_query().log_group_name(GROUP).query_string(text);
    let started = clients.ask(start.start_time(BASE / 1000).end_time(aws.now() / 1000).send())?;
    Ok(started.query_id().unwrap().to_owned())
}

fn query(aws: &Aws, clients: &Clients, text: &str) -> Result<Vec<Vec<String>>, Said> {
    let id = start(aws, clients, text)?;
    loop {
        let results = clients.ask(clients.logs.get_query_results().query_id(&id).send())?;
        if results.status() == Some(&QueryStatus::Complete) {
            let row = |row: &Vec<aws_sdk_cloudwatchlogs::types::ResultField>| {
                row.iter().map(|field| field.value().unwrap().to_owned()).collect()
            };
            return Ok(results.results().iter().map(row).collect());
        }
    }
}

const PARAMETER: &str = "InvalidParameterException";
const ALL: &str = "fields @timestamp, @message, @logStream | sort @timestamp asc | limit 10000";
/// 20 November 2026, 12:26:40.
const BASE: i64 = 1_795_177_600_000;
