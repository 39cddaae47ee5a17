use super::{LoadError, Source, load, parse};

const TWO: &str = "# pools\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: n}\n---\n\
                   apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: b\n";

#[test]
fn yaml_documents_become_objects_with_their_places() {
    let objects = parse("two.yaml", TWO, 1).unwrap();
    let shown: Vec<_> = objects
        .iter()
        .map(|o| format!("{} {}", o.origin, o.title()))
        .collect();
    assert_eq!(
        shown,
        [
            "two.yaml:3 (document 1) Pod n/a",
            "two.yaml:7 (document 2) Deployment b"
        ]
    );
    assert_eq!(objects[1].group(), "apps");
}

#[test]
fn lists_are_flattened_in_yaml_and_in_json() {
    let yaml = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: a}}\n\
                - {apiVersion: v1, kind: Node, metadata: {name: b}}\n";
    let json = r#"{"apiVersion":"v1","kind":"PodList","items":[
        {"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}},
        {"apiVersion":"v1","kind":"Node","metadata":{"name":"b"}}]}"#;
    for text in [yaml, json] {
        let titles: Vec<_> = parse("x", text, 1)
            .unwrap()
            .iter()
            .map(super::Object::title)
            .collect();
        assert_eq!(titles, ["Pod a", "Node b"]);
    }
    assert_eq!(
        parse("x", json, 1).unwrap()[1].origin.to_string(),
        "x (item 2)"
    );
}

#[test]
fn broken_yaml_names_file_document_and_line() {
    let text = format!("{TWO}---\nkind: Pod\n  bad: [1\n");
    let error = parse("bad.yaml", &text, 1).unwrap_err().to_string();
    assert!(error.starts_with("bad.yaml:1"), "{error}");
    assert!(
        error.contains("(document 3)") && error.contains("not YAML"),
        "{error}"
    );
}

#[test]
fn a_document_without_kind_or_api_version_says_which() {
    let error = parse("x", "apiVersion: v1\nmetadata: {name: a}\n", 1).unwrap_err();
    assert!(
        matches!(&error, LoadError::NotAnObject { problem, .. } if problem.contains("no kind"))
    );
    let error = parse("x", "- 1\n- 2\n", 1).unwrap_err();
    assert!(matches!(error, LoadError::NotAnObject { .. }), "{error}");
    let error = parse("x", r#"{"kind":"Pod"}"#, 1).unwrap_err();
    assert!(error.to_string().contains("no apiVersion"), "{error}");
}

#[test]
fn a_directory_is_searched_in_the_order_of_names_and_an_empty_one_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = Source::Path(dir.path().to_owned());
    assert!(matches!(
        load(std::slice::from_ref(&path), 1),
        Err(LoadError::EmptyDirectory { .. })
    ));
    std::fs::create_dir(dir.path().join("sub")).unwrap();
    for (file, name) in [
        ("b.yaml", "second"),
        ("a.yml", "first"),
        ("sub/c.json", "third"),
    ] {
        let text = format!(r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"{name}"}}}}"#);
        std::fs::write(dir.path().join(file), text).unwrap();
    }
    std::fs::write(dir.path().join("notes.txt"), "not a manifest").unwrap();
    let names: Vec<_> = load(&[path], 1)
        .unwrap()
        .into_iter()
        .map(|object| object.name)
        .collect();
    assert_eq!(names, ["first", "second", "third"]);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = load(&["no/such/file.yaml".into()], 1)
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("no/such/file.yaml: "), "{error}");
}

#[test]
fn a_large_list_reads_the_same_on_any_number_of_threads() {
    let item = |number: usize| {
        format!(
            r#"{{"metadata":{{"namespace":"n","name":"p-{number}"}},"kind":"Pod","apiVersion":"v1","spec":{{}}}}"#
        )
    };
    let items: Vec<String> = (0..9_001).map(item).collect();
    let text = format!(
        r#"{{"items":[{}],"kind":"List","apiVersion":"v1"}}"#,
        items.join(",\n")
    );
    let read = |threads: usize| -> Vec<String> {
        let objects = parse("x", text.clone(), threads).unwrap();
        let shown = |o: &super::Object| format!("{} {} {}", o.origin, o.title(), o.text());
        objects.iter().map(shown).collect()
    };
    let one = read(1);
    assert_eq!(one.len(), 9_001);
    assert_eq!(
        one[9_000],
        format!("x (item 9001) Pod n/p-9000 {}", item(9_000))
    );
    assert_eq!(read(4), one);
}

#[test]
fn a_list_in_a_list_is_flattened_and_a_wrong_head_is_found_by_its_line() {
    let text = "{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[\n\
                {\"apiVersion\":\"v1\",\"kind\":\"PodList\",\"items\":[{\"apiVersion\":\"v1\",\"kind\":\"Pod\"}]},\n\
                {\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":7}}]}";
    let good = text.replace("7}", "\"b\"}");
    assert_eq!(parse("x", good, 1).unwrap().len(), 2);
    let error = parse("x", text, 1).unwrap_err().to_string();
    assert!(error.starts_with("x:3 (document 1, item 2): "), "{error}");
}

#[test]
fn json_documents_one_after_the_other_keep_their_own_texts() {
    let text =
        "{\"apiVersion\":\"v1\",\"kind\":\"Pod\"}\n\n {\"apiVersion\":\"v1\",\"kind\":\"Node\"} ";
    let objects = parse("x", text, 1).unwrap();
    let texts: Vec<_> = objects.iter().map(super::Object::text).collect();
    assert_eq!(texts[1], "{\"apiVersion\":\"v1\",\"kind\":\"Node\"}");
    assert_eq!(texts[0], "{\"apiVersion\":\"v1\",\"kind\":\"Pod\"}");
}
