//! The pages as a person meets them, in a real browser: nothing is loaded, nothing hostile comes alive, filters and
//! links work, it reads well in light and dark, on a phone and on paper. Pictures are left in target/tmp/pages.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use guestward::check;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::binary::{check_json, guestward, text};
use crate::support::browser::Browser;
use crate::support::tree;

#[test]
fn the_page_loads_nothing_and_says_nothing_to_the_console() {
    let page = Posture::of_neglected();
    let browser = Browser::start(1200);
    browser.open(&page.address);
    assert_eq!(browser.console(), Vec::<String>::new());
    let requests = browser.requests();
    let own: Vec<_> = requests.iter().filter(|address| **address == page.address).collect();
    assert_eq!(own.len(), 1, "{requests:?}");
    assert!(requests.iter().all(|a| *a == page.address || a.starts_with("data:")), "{requests:?}");
    // The control: what the policy forbids does not happen, and the console says so.
    browser.run("const i = new Image(); i.src = 'http://127.0.0.1:1/x'; document.body.append(i)");
    browser.run("const s = document.createElement('script'); s.textContent = 'window.owned = 1'; document.body.append(s)");
    let said = browser.console().join("\n");
    assert!(said.contains("img-src") || said.contains("default-src"), "{said}");
    assert!(said.contains("script-src"), "{said}");
    assert_eq!(browser.run("return window.owned === undefined"), true);
}

#[test]
fn the_page_tells_every_finding_and_its_counts_are_those_of_the_document() {
    let page = Posture::of_neglected();
    let browser = Browser::start(1200);
    browser.open(&page.address);
    let findings = page.document["findings"].as_array().unwrap();
    let told = browser
        .run("return [...document.querySelectorAll('[data-item] .line code')].map(e => e.textContent)");
    let order: Vec<&str> = findings.iter().map(|finding| finding["check"].as_str().unwrap()).collect();
    let told: Vec<&str> = told.as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    assert_eq!(told, order, "worst first, as everywhere");
    for finding in findings {
        for evidence in finding["evidence"].as_array().unwrap() {
            for part in ["source", "observed", "expected"] {
                let part = escaped(evidence[part].as_str().unwrap());
                assert!(page.html.contains(&part), "{part}");
            }
        }
        assert!(page.html.contains(&escaped(finding["why"].as_str().unwrap())));
        if let Some(reason) = finding["reason"].as_str() {
            assert!(page.html.contains(&escaped(reason)), "{reason}");
        }
    }
    let tally = |name: &str| {
        let row = format!(
            "return +[...document.querySelectorAll('.tally tr')].find(r => r.querySelector('.mark.{name}')).querySelector('td').textContent"
        );
        browser.run(&row)
    };
    for (class, name) in
        [("fail", "fail"), ("pass", "pass"), ("unknown", "unknown"), ("accepted", "suppressed")]
    {
        assert_eq!(tally(class), page.document["summary"][name], "{name}");
    }
    assert!(page.html.contains("Exit code 1: something failed at severity high or above."));
    assert!(
        page.html.contains("Bob is on leave") && page.html.contains("until 2999-12-31")
            || page.html.contains("Until 2999-12-31")
    );
}

#[test]
fn filters_narrow_combine_travel_in_the_address_and_come_back() {
    let page = Posture::of_neglected();
    let browser = Browser::start(1200);
    browser.open(&page.address);
    let findings = page.document["findings"].as_array().unwrap();
    let matching = |is: &dyn Fn(&Value) -> bool| findings.iter().filter(|finding| is(finding)).count();
    let shown = || shown(&browser);
    let said =
        || browser.run("return document.querySelector('output').textContent").as_str().unwrap().to_owned();
    let all = findings.len();
    assert_eq!((shown(), said()), (all, format!("{all} of {all} findings shown")));

    browser.click("[data-group=topic] input[value=ssh]");
    let ssh = matching(&|f| f["topic"] == "ssh");
    assert_eq!((shown(), said()), (ssh, format!("{ssh} of {all} findings shown")));
    browser.click("[data-group=topic] input[value=accounts]");
    let both = matching(&|f| f["topic"] == "ssh" || f["topic"] == "accounts");
    assert_eq!(shown(), both, "either topic");
    browser.click("[data-group=verdict] input[value=fail]");
    let failed = |f: &Value| {
        (f["topic"] == "ssh" || f["topic"] == "accounts")
            && f["verdict"] == "fail"
            && f["suppression"].is_null()
    };
    assert_eq!(shown(), matching(&failed), "and the verdict");
    browser.click("[data-group=severity] input[value=critical]");
    let critical = matching(&|f| failed(f) && f["severity"] == "critical");
    assert!(critical > 0 && critical < all);
    assert_eq!(shown(), critical);
    let hash = browser.run("return location.hash");
    assert_eq!(hash, "#?verdict=fail&severity=critical&topic=ssh%2Caccounts");

    browser.open("about:blank");
    browser.open(&format!("{}{}", page.address, hash.as_str().unwrap()));
    assert_eq!(shown(), critical, "a filtered view is a link");
    browser.run("location.reload()");
    assert_eq!(shown(), critical, "and survives a reload");

    browser.click("#clear");
    assert_eq!((shown(), browser.run("return location.hash")), (all, "".into()));
    browser.type_into("#q", "EMPTY passw");
    let found = shown();
    assert!(found > 0 && found < all, "{found}");
    assert_eq!(browser.run("return location.hash"), "#?q=EMPTY+passw");
    assert_eq!(browser.run("return [...document.querySelectorAll('[data-item]')].filter(e => !e.hidden).every(e => e.textContent.toLowerCase().includes('empty'))"), true);
    assert_eq!(browser.console(), Vec::<String>::new());
}

#[test]
fn what_is_folded_unfolds_and_a_link_leads_to_what_it_names() {
    let page = Posture::of_neglected();
    let browser = Browser::start(1200);
    browser.open(&page.address);
    let visible = |selector: &str| {
        browser.run(&format!(
            "return document.querySelector('{selector}').checkVisibility({{contentVisibilityAuto: true}})"
        ))
    };
    assert_eq!(visible(".finding.pass h3"), false, "passes are folded");
    browser.click("section[aria-labelledby=section-pass] > details > summary");
    assert_eq!(visible(".finding.pass h3"), true);
    assert_eq!(visible(".finding.pass .body"), false);
    browser.click(".finding.pass > details > summary");
    assert_eq!(visible(".finding.pass .body"), true);

    // From a finding to its control, and from there to a finding that the filter hides.
    browser.click(".finding .controls a");
    let control = browser.run("return document.querySelector('tr:target').checkVisibility()");
    assert_eq!(control, true, "the framework unfolds");
    browser.click("[data-group=verdict] input[value=unknown], [data-group=verdict] input[value=accepted]");
    browser.run("document.querySelector('.index td a').click()");
    assert_eq!(browser.run("return document.querySelector('.finding:target').checkVisibility()"), true);
}

#[test]
fn a_hostile_name_is_shown_and_never_obeyed() {
    let tree = tree::base("debian12");
    let passwd = "root:x:0:0::/root:/bin/sh\n\
                  <script>document.title='owned'</script>:x:0:0::/root:/bin/sh\n\
                  \"onmouseover='x' \u{202e}gpj.exe:x:0:0::/root:/bin/sh\n\
                  </code></td><img src=x onerror=alert(1)>:x:0:0::/root:/bin/sh\n\
                  <!--&amp;-->\u{2028}\u{0}:x:0:0::/root:/bin/sh\n";
    fs::write(tree.path().join("etc/passwd"), passwd).unwrap();
    fs::write(tree.path().join("etc/hostname"), "<b>\"&'h\u{202e}\n").unwrap();
    let page = Posture::of(tree, &["accounts-extra-uid-0"]);
    let browser = Browser::start(1200);
    browser.open(&page.address);
    assert_eq!(browser.console(), Vec::<String>::new());
    let title = browser.run("return document.title");
    assert!(title.as_str().unwrap().starts_with("Security posture of <b>\"&'h\\u{202e}, 20"), "{title}");
    assert_eq!(
        browser
            .run("return document.images.length + document.querySelectorAll('h1 b, [onmouseover]').length"),
        0
    );
    assert_eq!(browser.run("return document.scripts.length"), 1);
    let shown = browser.run("return document.getElementById('main').textContent");
    let shown = shown.as_str().unwrap();
    for name in [
        "<script>document.title='owned'</script>",
        "\"onmouseover='x' \\u{202e}gpj.exe",
        "<!--&amp;-->\\u{2028}",
    ] {
        assert!(shown.contains(name), "{name} is told as it is: {shown}");
    }
    assert!(
        !page.html.chars().any(|c| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c))
    );
}

#[test]
fn it_reads_well_in_light_and_dark_and_on_paper_and_on_a_phone() {
    let (posture, coverage) = (Posture::of_neglected(), Coverage::new());
    let browser = Browser::start(1200);
    for (name, address) in [("posture", &posture.address), ("coverage", &coverage.address)] {
        for (medium, scheme) in
            [("screen", "light"), ("screen", "dark"), ("print", "light"), ("print", "dark")]
        {
            browser.emulate(medium, scheme);
            browser.open(address);
            browser.run("document.querySelectorAll('details').forEach(d => d.open = true)");
            let poor = browser.run(POOR_CONTRAST);
            assert_eq!(poor, Value::Array(Vec::new()), "{name}, {medium}, {scheme}: below WCAG AA");
        }
        browser.emulate("screen", "light");
        browser.open(address);
        for (width, scheme) in
            [(1200, "light"), (1200, "dark"), (768, "light"), (360, "light"), (360, "dark")]
        {
            browser.resize(width);
            browser.emulate("screen", scheme);
            let wide = browser.run("return document.documentElement.scrollWidth").as_u64().unwrap();
            assert!(wide <= u64::from(width), "{name} needs {wide} of {width} pixels");
            keep(&format!("{name}-{width}-{scheme}.png"), &browser.picture());
        }
        browser.run("document.querySelectorAll('details').forEach(d => d.open = true)");
        let wide = browser.run("return document.documentElement.scrollWidth").as_u64().unwrap();
        assert!(wide <= 360, "{name}, unfolded, needs {wide} of 360 pixels");
        keep(&format!("{name}-360-unfolded.png"), &browser.picture());
        browser.resize(1200);
        browser.open(address);
    }
}

#[test]
fn it_prints_whole_on_a4() {
    let page = Posture::of_neglected();
    let browser = Browser::start(1200);
    browser.open(&page.address);
    let pdf = browser.print();
    keep("posture.pdf", &pdf);
    let pages = pages_of(&pdf);
    let findings = page.document["findings"].as_array().unwrap().len();
    assert!(pages > 3 && pages < 10 + findings, "{pages} pages for {findings} findings");
    let size = String::from_utf8_lossy(&pdf).into_owned();
    assert!(size.contains("/MediaBox [0 0 594") || size.contains("/MediaBox [0 0 595"), "A4");
    // The same on a screen that shows what paper would: all unfolded, no bar.
    browser.emulate("print", "light");
    assert_eq!(browser.run("return getComputedStyle(document.querySelector('.filters')).display"), "none");
    assert_eq!(browser.run("return [...document.querySelectorAll('.finding .body')].every(e => e.getBoundingClientRect().height > 0)"), true);
}

#[test]
fn without_a_script_everything_is_there_but_the_filters() {
    let page = Posture::of_neglected();
    let hidden: Vec<_> = page.html.match_indices(" hidden=").collect();
    assert_eq!(hidden.len(), 1, "only the bar");
    assert!(page.html.contains("class=\"filters\" aria-label=\"Filter\" hidden=\"\""));
    for inline in [" style=", " onclick=", "javascript:", "<link", "@import", "url("] {
        assert!(!page.html.contains(inline), "{inline}");
    }
}

#[test]
fn a_screen_reader_finds_its_way() {
    let (posture, coverage) = (Posture::of_neglected(), Coverage::new());
    let browser = Browser::start(1200);
    for address in [&posture.address, &coverage.address] {
        browser.open(address);
        assert_eq!(browser.run(STRUCTURE), Value::Array(Vec::new()), "{address}");
        // The first stop of the keyboard leads past the heading.
        browser.run("document.querySelector('.skip').focus()");
        assert_eq!(browser.run("return getComputedStyle(document.querySelector('.skip')).left"), "16px");
    }
}

#[test]
fn the_coverage_page_tells_each_control_and_each_check_and_filters_them() {
    let page = Coverage::new();
    let browser = Browser::start(1200);
    browser.open(&page.address);
    assert_eq!(browser.console(), Vec::<String>::new());
    let frameworks = check::controls::frameworks();
    let items: usize = frameworks.iter().map(|framework| framework.items.len()).sum();
    let all = items + check::all().count();
    let shown = || shown(&browser);
    assert_eq!(shown(), all);
    browser.click("[data-group=framework] input[value=NCSC]");
    browser.click("[data-group=state] input[value=out_of_reach]");
    let ncsc = frameworks.iter().find(|framework| framework.id == "NCSC").unwrap();
    assert_eq!(shown(), ncsc.tally().out_of_reach);
    assert_eq!(
        browser.run("return document.getElementById('framework-NCSC').open"),
        true,
        "what matches is unfolded"
    );
    browser.click("#clear");
    browser.click("[data-group=state] input[value=covered]");
    let covered: usize = frameworks.iter().map(|framework| framework.tally().covered).sum();
    assert_eq!(shown(), covered + check::all().count());
}

#[test]
fn the_same_facts_give_the_same_bytes() {
    let tree = tree::base("neglected");
    let look = || {
        let output =
            guestward().args(["check", "--format", "html", "--root"]).arg(tree.path()).output().unwrap();
        let html = String::from_utf8(output.stdout).unwrap();
        let (before, rest) = html.split_once("<time").unwrap();
        let (_, after) = rest.split_once("</time>").unwrap();
        format!("{before}{after}")
    };
    assert_eq!(look(), look());
    assert_eq!(Coverage::new().html, Coverage::new().html);
}

#[test]
fn every_format_ends_with_the_same_exit_code() {
    let (neglected, server) = (tree::base("neglected"), tree::base("server"));
    tree::apply(server.path(), &tree::steps("fifo etc/passwd"));
    let cases: [(&Path, &[&str], i32); 4] = [
        (neglected.path(), &[], 1),
        (neglected.path(), &["ssh-x11", "--fail-on", "critical"], 0),
        (server.path(), &["accounts-extra-uid-0"], 3),
        (Path::new("/nonexistent"), &[], 2),
    ];
    for (root, arguments, code) in cases {
        for format in ["text", "json", "ocsf", "html"] {
            let output = guestward()
                .args(["check", "--format", format, "--root"])
                .arg(root)
                .args(arguments)
                .output()
                .unwrap();
            assert_eq!(output.status.code(), Some(code), "{format} {arguments:?}");
            let shown = text(&output.stdout);
            assert!(format != "html" || code == 2 || shown.contains(&format!("Exit code {code}: ")));
        }
    }
}

#[test]
fn a_reader_that_goes_away_is_no_panic_and_a_full_disk_an_error() {
    let tree = tree::base("neglected");
    for format in ["ocsf", "html"] {
        let command = || {
            let mut command = guestward();
            command.args(["check", "--format", format, "--root"]).arg(tree.path());
            command
        };
        let mut child = command().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let mut errors = String::new();
        child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        assert_eq!((child.wait().unwrap().code(), errors.as_str()), (Some(1), ""));
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = command().stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains("cannot write the output"), "{}", text(&output.stderr));
    }
}

/// A posture as a page, and the same as a document.
struct Posture {
    html: String,
    document: Value,
    address: String,
    _folder: TempDir,
}

impl Posture {
    /// The neglected tree, where somebody accepted one failure.
    fn of_neglected() -> Self {
        Self::of(tree::base("neglected"), &[])
    }

    fn of(tree: TempDir, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let policy = folder.path().join("policy.toml");
        fs::write(&policy, POLICY).unwrap();
        let mut all = vec!["--policy", policy.to_str().unwrap()];
        all.extend(arguments);
        let (_, document) = check_json(tree.path(), &all);
        let output = guestward()
            .args(["check", "--format", "html", "--root"])
            .arg(tree.path())
            .args(&all)
            .output()
            .unwrap();
        let html = String::from_utf8(output.stdout).expect("UTF-8, whatever the host holds");
        let path = folder.path().join("posture.html");
        fs::write(&path, &html).unwrap();
        Self { html, document, address: format!("file://{}", path.display()), _folder: folder }
    }
}

struct Coverage {
    html: String,
    address: String,
    _folder: TempDir,
}

impl Coverage {
    fn new() -> Self {
        let output = guestward().args(["checks", "--format", "html"]).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        let html = String::from_utf8(output.stdout).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("coverage.html");
        fs::write(&path, &html).unwrap();
        Self { html, address: format!("file://{}", path.display()), _folder: folder }
    }
}

/// How many items the filter leaves.
fn shown(browser: &Browser) -> usize {
    let count = "return [...document.querySelectorAll('[data-item]')].filter(e => !e.hidden).length";
    usize::try_from(browser.run(count).as_u64().unwrap()).unwrap()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

fn pages_of(pdf: &[u8]) -> usize {
    let text = String::from_utf8_lossy(pdf);
    text.match_indices("/Type /Page").filter(|(at, word)| !text[at + word.len()..].starts_with('s')).count()
}

/// Pictures are for people, in target/tmp/pages.
fn keep(name: &str, bytes: &[u8]) {
    let folder: PathBuf = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
}

const POLICY: &str = r#"
[[suppressions]]
check = "ssh-x11"
who = "alice@example.org"
why = "Bob is on leave and his <old> tool needs it"
until = 2999-12-31
"#;

/// Text whose colour is too near to that of what lies behind it (WCAG 2.2, 1.4.3).
const POOR_CONTRAST: &str = r#"
const parse = (colour) => colour.match(/[\d.]+/g).map(Number);
const light = ([r, g, b]) => [r, g, b].map((v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; })
  .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
const behind = (element) => {
  for (; element; element = element.parentElement) {
    const colour = parse(getComputedStyle(element).backgroundColor);
    if (colour.length === 3 || colour[3] === 1) return colour;
  }
  return [255, 255, 255];
};
const poor = new Set();
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
let seen = 0;
while (walk.nextNode()) {
  const element = walk.currentNode.parentElement;
  if (!walk.currentNode.data.trim() || !element.checkVisibility() || element.closest("script, style")) continue;
  seen += 1;
  const [a, b] = [light(parse(getComputedStyle(element).color)), light(behind(element))];
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (ratio < 4.5) poor.add(`${element.tagName}.${element.className} ${ratio.toFixed(2)}`);
}
if (seen < 100) poor.add(`only ${seen} texts were seen`);
return [...poor];
"#;

/// What a reader that goes by headings, landmarks, labels and links would stumble over.
const STRUCTURE: &str = r##"
const wrong = [];
const all = (selector) => [...document.querySelectorAll(selector)];
for (const name of ["header", "main", "footer", "h1"]) if (all(`body > ${name}, header > ${name}`).length !== 1) wrong.push(name);
let level = 0;
for (const heading of all("h1, h2, h3, h4")) {
  const own = Number(heading.tagName[1]);
  if (own > level + 1) wrong.push(`${heading.tagName} after h${level}: ${heading.textContent}`);
  level = own;
}
const ids = all("[id]").map((element) => element.id);
for (const id of ids.filter((id, i) => ids.indexOf(id) !== i)) wrong.push(`id ${id} twice`);
const known = new Set(ids);
for (const link of all("a[href]")) if (!known.has(link.getAttribute("href").slice(1))) wrong.push(`link ${link.getAttribute("href")}`);
for (const box of all("input")) if (box.labels.length !== 1 || !box.labels[0].textContent.trim()) wrong.push(`label ${box.id}${box.value}`);
for (const set of all("fieldset")) if (!set.querySelector("legend").textContent) wrong.push("legend");
for (const cell of all("th")) if (!cell.scope) wrong.push(`th ${cell.textContent}`);
for (const named of all("[aria-labelledby]")) if (!known.has(named.getAttribute("aria-labelledby"))) wrong.push(named.outerHTML.slice(0, 80));
if (all("output[aria-live=polite]").length !== 1) wrong.push("aria-live");
if (document.documentElement.lang !== "en") wrong.push("lang");
for (const mark of all(".mark")) if (!mark.textContent.trim()) wrong.push("a colour alone");
return wrong.slice(0, 10);
"##;
