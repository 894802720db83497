//! Figures, told while the tests run: none of them decides a test, for the machine may have other work.

use std::io::{self, Write as _};

pub(crate) fn tell(what: &str) {
    let _ = writeln!(io::stderr(), "figure: {what}");
}
