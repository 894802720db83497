//! Modules as createrepo_c and libmodulemd write them.

use super::*;
use proptest::prelude::*;

fn all(text: &str) -> Result<Vec<Document>, String> {
    let mut found = Vec::new();
    each(text.as_bytes(), |document| {
        found.push(document);
        Ok(())
    })?;
    Ok(found)
}

const STREAM: &str = "---
document: modulemd
version: 2
data:
  name: nodejs
  stream: \"18\"
  version: 8080020221213
  context: ad008a3a
  arch: x86_64
  summary: Javascript runtime
  description: >-
    Node.js is a platform: with
    - many lines
  license:
    module:
    - MIT
  xmd: {}
  dependencies:
  - buildrequires:
      platform: [el8]
    requires:
      platform: [el8]
  references:
    community: http://example.org/
      and: more
  profiles:
    common:
      rpms:
      - not-an-artifact
  artifacts:
    rpms:
    - nodejs-1:18.1-1.x86_64
    - 'npm-0:8-1.x86_64'
  # comment
...
---
document: modulemd-defaults
version: 1
data:
  module: nodejs
  stream: 18
  profiles:
    \"18\": [common]
...
---
document: modulemd-obsoletes
data:
  anything: [1, 2]
";

#[test]
fn streams_packages_and_defaults() {
    let artifacts = vec!["nodejs-1:18.1-1.x86_64".to_owned(), "npm-0:8-1.x86_64".to_owned()];
    let (module, stream) = ("nodejs".to_owned(), "18".to_owned());
    let expected = [
        Document::Stream { module: module.clone(), stream: stream.clone(), artifacts },
        Document::Default { module, stream },
    ];
    assert_eq!(all(STREAM).unwrap(), expected);
    assert_eq!(all("").unwrap(), []);
}

#[test]
fn another_form_is_refused_where_it_matters() {
    for text in [
        "---\ndocument: modulemd\ndata: {name: x, stream: y}\n",
        "---\ndocument: modulemd\ndata:\n  name: &a x\n  stream: y\n",
        "---\ndocument: modulemd\ndata:\n  name: x\n",
        "---\ndocument: modulemd\ndata:\n  name: x\n  stream: y\n  artifacts:\n    rpms: [a]\n",
        "---\ndocument: modulemd\ndata:\n  name: x\n  stream: y\n  artifacts:\n    rpms:\n    - \"a\\x41\"\n",
        "---\ndata:\n  name: x\n",
        "---\n\tdocument: x\n",
        "nothing\n",
    ] {
        assert!(all(text).is_err(), "{text}");
    }
    assert!(each(b"\xff", |_| Ok(())).is_err());
}

proptest! {
    #[test]
    fn whatever_is_changed_nothing_panics(at in 0..STREAM.len(), byte in any::<u8>(), cut in any::<bool>()) {
        let mut bytes = STREAM.as_bytes().to_vec();
        bytes[at] = byte;
        if cut {
            bytes.truncate(at);
        }
        let _ = each(&bytes, |_| Ok(()));
    }

    #[test]
    fn nor_by_whatever_comes(text in "(---|document|data|name|rpms|artifacts|:|- | |  |\n|'|\"|\\[|&|#|x){0,40}") {
        let _ = all(&text);
    }
}
