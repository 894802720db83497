//! STS: whose credentials these are.

use super::access::Caller;
use super::answer::{REQUEST_ID, Refusal};
use super::http::Answer;

pub(super) fn call(action: &str, caller: &Caller) -> Result<Answer, Refusal> {
    if action != "GetCallerIdentity" {
        let text = format!("Could not find operation {action} for version 2011-06-15");
        return Err(Refusal::new("InvalidAction", text));
    }
    let Caller { account, arn } = caller;
    let body = format!(
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n  \
         <GetCallerIdentityResult>\n    <Arn>{arn}</Arn>\n    \
         <UserId>AROAEXAMPLEEXAMPLE123:i-0123456789abcdef0</UserId>\n    <Account>{account}</Account>\n  \
         </GetCallerIdentityResult>\n  <ResponseMetadata>\n    <RequestId>{REQUEST_ID}</RequestId>\n  \
         </ResponseMetadata>\n</GetCallerIdentityResponse>\n"
    );
    Ok(Answer::new(200, "text/xml", body))
}
