use serde_json::{Value, json};

use super::{limits::nanos, names::is_label};

#[test]
fn quantities_are_compared_exactly() {
    let value = |text: &str| nanos(&Value::from(text));
    assert_eq!(value("1"), value("1000m"));
    assert_eq!(value("1Gi"), value("1073741824"));
    assert_eq!(value("0.5"), value("500m"));
    assert_eq!(value("1e3"), value("1k"));
    assert!(value("1500m") > value("1"));
    assert!(value("-1") < value("0"));
    assert_eq!(nanos(&json!(2)), value("2"));
    for bad in ["", "abc", "1.2.3", "1X", "--1"] {
        assert_eq!(value(bad), None, "{bad}");
    }
}

#[test]
fn labels_of_rfc_1123() {
    for good in ["a", "a-b", "1", "x1-2y"] {
        assert!(is_label(good), "{good}");
    }
    for bad in ["", "-a", "a-", "A", "a.b", "a_b"] {
        assert!(!is_label(bad), "{bad}");
    }
}
