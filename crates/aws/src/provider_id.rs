//! Ids of instances as Nodes have them: `aws:///<zone>/<instance id>`.

/// The provider id of an instance.
pub fn provider_id(zone: &str, instance: &str) -> String {
    format!("aws:///{zone}/{instance}")
}

/// The id of the instance that a provider id speaks of, whatever the scheme; none if it speaks of
/// none.
pub fn instance_id(provider_id: &str) -> Option<&str> {
    let (_, rest) = provider_id.split_once(":///")?;
    let (_, id) = rest.split_once('/')?;
    (!id.is_empty() && !id.contains('/')).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_in_comes_out() {
        let text = provider_id("us-west-2a", "i-0123");
        assert_eq!(text, "aws:///us-west-2a/i-0123");
        assert_eq!(instance_id(&text), Some("i-0123"));
        assert_eq!(instance_id("kwok-aws:///us-west-2a/i-1"), Some("i-1"));
        for bad in [
            "",
            "i-0123",
            "aws:///us-west-2a",
            "aws:///a/b/c",
            "aws:///a/",
        ] {
            assert_eq!(instance_id(bad), None, "{bad}");
        }
    }
}
