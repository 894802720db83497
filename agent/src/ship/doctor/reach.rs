//! The way to a service, step by step: its name, a connection, and an answer over TLS that this host trusts.
//!
//! The request that is answered is unsigned and names no action: it can be told from nothing but the account of a
//! connection, and its answer has the server's time.

use std::error::Error as _;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_http_client::{Connector, tls};
use aws_smithy_runtime_api::client::http::{HttpConnector as _, HttpConnectorSettings};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use reqwest::Url;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::Service;
use crate::finding::need::{Area, Need};

/// How far one service was reached.
#[derive(Debug)]
pub(super) struct Reached {
    pub(super) service: Service,
    pub(super) needs: Vec<Need>,
    /// The Date header of its answer.
    pub(super) date: Option<String>,
    /// Why there is no use in asking it for more.
    pub(super) obstacle: Option<String>,
}

/// The three steps; the first that fails is the last that is tried.
pub(super) async fn reach(service: Service, region: String, url: Result<String, String>) -> Reached {
    let mut reached = Reached { service, needs: Vec::new(), date: None, obstacle: None };
    if let Err(stopped) = walk(&mut reached, &region, url).await {
        reached.obstacle = Some(stopped.detail.clone());
        reached.needs.push(stopped);
        let untried = STEPS.iter().skip(reached.needs.len());
        let untried: Vec<Need> = untried
            .map(|step| Need::unknown(id(service, step), Area::Ship, "not tried: see above"))
            .collect();
        reached.needs.extend(untried);
    }
    reached
}

async fn walk(reached: &mut Reached, region: &str, url: Result<String, String>) -> Result<(), Need> {
    let service = reached.service;
    let name = id(service, STEPS[0]);
    let unusable = |why: &str| Need::missing(&*name, Area::Ship, why, "unset AWS_ENDPOINT_URL and its like");
    let url = url.map_err(|why| unusable(&why))?;
    let parsed = Url::parse(&url).map_err(|why| unusable(&format!("{url} is no URL: {why}")))?;
    let host = parsed.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let port = parsed.port_or_known_default().unwrap_or(443);
    let (need, addresses) = resolve(&name, &host, port, service, region).await?;
    reached.needs.push(need);
    reached.needs.push(connect(&id(service, STEPS[1]), &host, port, &addresses).await?);
    let (need, date) = answer(&id(service, STEPS[2]), &url, parsed.scheme() == "https").await?;
    reached.needs.push(need);
    reached.date = date;
    Ok(())
}

async fn resolve(
    id: &str,
    host: &str,
    port: u16,
    service: Service,
    region: &str,
) -> Result<(Need, Vec<SocketAddr>), Need> {
    let began = Instant::now();
    let remedy = || {
        let service = service.name();
        format!(
            "Mend the resolver (`getent hosts {host}` asks it). In a VPC without a way to the internet the service \
             needs an endpoint: aws ec2 create-vpc-endpoint --vpc-endpoint-type Interface --service-name \
             com.amazonaws.{region}.{service} --private-dns-enabled --vpc-id VPC --subnet-ids SUBNET \
             --security-group-ids GROUP"
        )
    };
    let missing = |why: String| {
        Need::missing(id, Area::Ship, &format!("{host} does not resolve: {why}"), remedy())
            .in_time(began.elapsed())
    };
    let found = match timeout(RESOLVE, lookup_host((host, port))).await {
        Ok(Ok(found)) => found.collect::<Vec<_>>(),
        Ok(Err(cause)) => return Err(missing(cause.to_string())),
        Err(_) => return Err(missing(format!("no answer within {} s", RESOLVE.as_secs()))),
    };
    let shown: Vec<String> = found.iter().take(SHOWN).map(|address| address.ip().to_string()).collect();
    match shown.is_empty() {
        true => Err(missing("no address".to_owned())),
        false => {
            let detail = format!("{host} is {}", shown.join(", "));
            Ok((Need::ok(id, Area::Ship, &detail).in_time(began.elapsed()), found))
        }
    }
}

async fn connect(id: &str, host: &str, port: u16, addresses: &[SocketAddr]) -> Result<Need, Need> {
    let began = Instant::now();
    let mut last = String::new();
    for address in addresses {
        match timeout(CONNECT.saturating_sub(began.elapsed()), TcpStream::connect(address)).await {
            Ok(Ok(_)) => {
                let detail = format!("{address} takes connections");
                return Ok(Need::ok(id, Area::Ship, &detail).in_time(began.elapsed()));
            }
            Ok(Err(cause)) => last = format!("{address}: {cause}"),
            Err(_) => last = format!("{address}: no answer within {} s", CONNECT.as_secs()),
        }
    }
    let remedy = format!(
        "Let TCP port {port} out to {host}: in the security group, the network ACL, the route table (NAT gateway or \
         VPC endpoint) and this host's own packet filter (`nft list ruleset` shows it)"
    );
    Err(Need::missing(id, Area::Ship, &format!("no connection to {last}"), remedy).in_time(began.elapsed()))
}

async fn answer(id: &str, url: &str, is_tls: bool) -> Result<(Need, Option<String>), Need> {
    let began = Instant::now();
    let told = |why: &str| Need::unknown(id, Area::Ship, why).in_time(began.elapsed());
    // The same provider and the same roots as the shipper's own connections have.
    let connector = Connector::builder()
        .connector_settings(HttpConnectorSettings::builder().connect_timeout(CONNECT).build())
        .sleep_impl(TokioSleep::new())
        .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
        .build();
    let request = HttpRequest::get(url).map_err(|why| told(&format!("{url}: {why}")))?;
    let response = match timeout(ANSWER, connector.call(request)).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) if is_tls && is_about_certificates(&error) => {
            let why = format!("TLS does not hold: {}", last(&error));
            let remedy = "Install the roots of the distribution: `apt-get install ca-certificates` or `dnf install \
                          ca-certificates`. Where a proxy breaks TLS open on the way, let these connections past it";
            return Err(Need::missing(id, Area::Ship, &why, remedy).in_time(began.elapsed()));
        }
        Ok(Err(error)) => return Err(told(&format!("it broke off: {}", last(&error)))),
        Err(_) => return Err(told(&format!("connected, and no answer within {} s", ANSWER.as_secs()))),
    };
    let with =
        if is_tls { "over TLS that this host trusts" } else { "without TLS, as this machine's own may" };
    let need = Need::ok(id, Area::Ship, &format!("it answers {with}")).in_time(began.elapsed());
    Ok((need, response.headers().get("date").map(str::to_owned)))
}

/// What TLS refuses comes as data that is not right, in one or more wrappers; `source` leaps over what is in them.
fn is_about_certificates(error: &ConnectorError) -> bool {
    let mut next = error.source();
    while let Some(cause) = next {
        if cause.downcast_ref::<io::Error>().is_some_and(is_refused) {
            return true;
        }
        next = cause.source();
    }
    false
}

fn is_refused(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<io::Error>());
    error.kind() == io::ErrorKind::InvalidData || inner.is_some_and(is_refused)
}

fn last(error: &ConnectorError) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = cause.to_string();
        next = cause.source();
    }
    text
}

fn id(service: Service, step: &str) -> String {
    format!("{}-{step}", service.name())
}

const STEPS: [&str; 3] = ["name", "connect", "answer"];
/// As many addresses as a line holds.
const SHOWN: usize = 4;
/// A resolver that has to ask others answers within this; together with those below less than half of what is there
/// for everything.
const RESOLVE: Duration = Duration::from_secs(4);
const CONNECT: Duration = Duration::from_secs(4);
const ANSWER: Duration = Duration::from_secs(5);
