//! What CloudWatch Logs takes and refuses.

use super::clients::Clients;
use super::{GROUP, double};

#[test]
fn what_is_put_is_kept_as_it_was() {
    let aws = double();
    let clients = Clients::of(&aws);
    let now = aws.now();
    assert_eq!(clients.put(GROUP, "s", &[(now, "one"), (now, "zwei ü")]), Ok([None; 3]));
    let kept: Vec<_> = aws.events(GROUP).into_iter().map(|event| (event.stream, event.message)).collect();
    assert_eq!(kept, [("s".to_owned(), "one".to_owned()), ("s".to_owned(), "zwei ü".to_owned())]);
}
