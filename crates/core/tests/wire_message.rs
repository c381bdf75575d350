//! What a line says: the kinds of messages, several on a line, noise, and what a broken message still tells.

use desktop_runtime_core::wire::message::{Answer, JobEventKind, Message, read_head_of_too_long, read_line};

fn read(line: &[u8]) -> Vec<Message<'_>> {
    let mut messages = Vec::new();
    read_line(line, &mut |message| messages.push(message));
    messages
}

fn response(id: &'static str, result: &'static str) -> Message<'static> {
    Message::Response { id: id.as_bytes(), answer: Answer::Result(result.as_bytes()) }
}

fn event(kind: JobEventKind, job_id: &'static str, text: &'static str) -> Message<'static> {
    Message::JobEvent { kind, job_id: job_id.as_bytes(), data: None, text: text.as_bytes() }
}

fn noise(text: &str) -> Message<'static> {
    Message::Noise(text.as_bytes().to_vec().into())
}

const ANSWER: &str = r#"{"jsonrpc":"2.0","id":"a","result":1}"#;
const DONE: &str = r#"{"type":"result","jobId":"j"}"#;

fn answer_and_done() -> [Message<'static>; 2] {
    [response("\"a\"", "1"), event(JobEventKind::Result, "\"j\"", DONE)]
}

#[test]
fn the_presence_of_keys_decides_in_the_order_of_the_contract() {
    let all = br#"{"type":"result","jobId":"j","result":1,"error":2,"id":3,"method":"m","params":null,"jsonrpc":0}"#;
    assert_eq!(read(all), [Message::Request { id: b"3", method: b"\"m\"", params: Some(b"null") }]);

    let nulls = br#"{"jsonrpc":null,"method":null,"id":null}"#;
    assert_eq!(read(nulls), [Message::Request { id: b"null", method: b"null", params: None }]);

    let notification =
        br#"{"type":"result","jobId":"j","result":1,"method":"m","params":[1, 2],"jsonrpc":"2.0"}"#;
    assert_eq!(read(notification), [Message::Notification { method: b"\"m\"", params: Some(b"[1, 2]") }]);

    assert_eq!(
        read(br#"{"type":"result","jobId":"j","id":"a","jsonrpc":"2.0","result":1}"#),
        [response("\"a\"", "1")]
    );

    let event =
        br#" { "type" : "progress" , "jobId" : 1.0 , "data" : {"percent": 5} , "id":1, "method":"m" } "#;
    let text = event.trim_ascii();
    let data: Option<&[u8]> = Some(br#"{"percent": 5}"#);
    let expected = Message::JobEvent { kind: JobEventKind::Progress, job_id: b"1.0", data, text };
    assert_eq!(read(event), [expected]);
}

#[test]
fn anything_else_that_parses_is_ignored() {
    for line in [
        "{}",
        "1",
        "\"text\"",
        "null",
        "true",
        "[]",
        " [1] ",
        r#"[{"jsonrpc":"2.0","id":"a","result":1}]"#,
        r#"{"jsonrpc":"2.0"}"#,
        r#"{"id":"a","result":1}"#,
        r#"{"method":"m"}"#,
        r#"{"type":"result"}"#,
        r#"{"jobId":"j"}"#,
        r#"{"data":{"jsonrpc":"2.0","id":"a"}}"#,
        r#"{"__proto__":{"jsonrpc":"2.0","id":"a"}}"#,
    ] {
        assert_eq!(read(line.as_bytes()), [Message::Ignored], "{line}");
    }
}

#[test]
fn a_falsy_error_is_no_error_and_without_both_keys_the_answer_is_empty() {
    let answer = |members: &str| {
        let line = format!(r#"{{"jsonrpc":"2.0","id":"a"{members}}}"#);
        match read(line.as_bytes())[..] {
            [Message::Response { answer: Answer::Result(raw), .. }] => {
                format!("result {}", raw.escape_ascii())
            }
            [Message::Response { answer: Answer::Error(raw), .. }] => format!("error {}", raw.escape_ascii()),
            [Message::Response { answer: Answer::Empty, .. }] => "empty".to_owned(),
            _ => panic!("{line} is a response"),
        }
    };
    for falsy in ["null", "false", "0", r#""""#, "-0.0", "0e5", "1e-999"] {
        assert_eq!(answer(&format!(r#","error":{falsy}"#)), "empty");
        assert_eq!(answer(&format!(r#","result":null,"error":{falsy}"#)), "result null");
    }
    for error in ["1", "true", "[]", "{}", "1e999"] {
        assert_eq!(answer(&format!(r#","result":7,"error":{error}"#)), format!("error {error}"));
    }
    assert_eq!(answer(r#","error":"boom""#), "error \\\"boom\\\"");
    assert_eq!(answer(r#","result":0"#), "result 0");
    assert_eq!(answer(""), "empty");
}

#[test]
fn the_type_of_a_job_event_is_compared_unescaped() {
    for (type_json, kind) in [
        (r#""progress""#, JobEventKind::Progress),
        (r#""log""#, JobEventKind::Log),
        (r#""partial""#, JobEventKind::Partial),
        (r#""r\u0065sult""#, JobEventKind::Result),
        (r#""error""#, JobEventKind::Error),
        (r#""Error""#, JobEventKind::Other),
        (r#""""#, JobEventKind::Other),
        ("null", JobEventKind::Other),
        (r#"["error"]"#, JobEventKind::Other),
    ] {
        let line = format!(r#"{{"jo\u0062Id":"j","type":{type_json}}}"#);
        let expected = Message::JobEvent { kind, job_id: b"\"j\"", data: None, text: line.as_bytes() };
        assert_eq!(read(line.as_bytes()), [expected]);
    }
}

#[test]
fn blank_lines_say_nothing() {
    for line in ["", " ", "\r", "\t \r", "\u{feff}", "\u{feff} \u{feff}\r"] {
        assert_eq!(read(line.as_bytes()), [], "{line:?}");
    }
}

#[test]
fn several_values_on_a_line_all_survive() {
    for between in ["", " ", "\r", "\u{feff}", " \t\u{feff}\r"] {
        let line = format!("{between}{ANSWER}{between}{DONE}{between}");
        assert_eq!(read(line.as_bytes()), answer_and_done(), "{line:?}");
    }
    let many = ANSWER.repeat(1000);
    assert_eq!(read(many.as_bytes()), vec![response("\"a\"", "1"); 1000]);
}

#[test]
fn noise_before_between_and_behind_is_one_piece_and_comes_last() {
    let line = format!("10%\r20%\r{ANSWER}noise {{x}} {DONE}tail");
    let mut expected = answer_and_done().to_vec();
    expected.push(noise("10%\r20%\rnoise {x} tail"));
    assert_eq!(read(line.as_bytes()), expected);

    let line = format!("\u{feff}{ANSWER} \r42 {DONE} ");
    let mut expected = answer_and_done().to_vec();
    expected.push(noise(" \r42 "));
    assert_eq!(read(line.as_bytes()), expected);
}

#[test]
fn a_line_without_any_message_is_noise_as_it_came() {
    for line in
        ["hello", "  indented {", "\u{feff}1", "1 2", "NaN", "}{", "[1,", "\0", "{'type':1}", "\u{a0}{"]
    {
        assert_eq!(read(line.as_bytes()), [noise(line)], "{line}");
    }
    assert_eq!(read(b"\xff\xfe"), [Message::Noise(b"\xff\xfe"[..].into())]);
}

#[test]
fn braces_inside_an_accepted_value_are_not_tried_and_those_of_a_refused_one_are() {
    let outer = format!(r#"log: {{"jsonrpc":"2.0","id":"a","result":{DONE}}}"#);
    assert_eq!(read(outer.as_bytes()), [response("\"a\"", DONE), noise("log: ")]);

    let list = format!("[{ANSWER},{DONE}");
    let mut expected = answer_and_done().to_vec();
    expected.push(noise("[,"));
    assert_eq!(read(list.as_bytes()), expected);

    let quoted = format!("say \"{{}} {ANSWER}");
    assert_eq!(read(quoted.as_bytes()), [Message::Ignored, response("\"a\"", "1"), noise("say \"")]);
}

#[test]
fn at_most_64_braces_of_a_line_may_fail() {
    let found = format!("{}{ANSWER}", "{".repeat(64 - 1));
    assert_eq!(read(found.as_bytes()), [response("\"a\"", "1"), noise(&"{".repeat(64 - 1))]);
    let lost = format!("{}{ANSWER}", "{".repeat(64));
    assert_eq!(read(lost.as_bytes()), [noise(&lost)]);
    // Accepted values between them use up no try.
    let mixed = format!("{}{}{{{ANSWER}", "{".repeat(62), ANSWER.repeat(100));
    let mut expected = vec![response("\"a\"", "1"); 101];
    expected.push(noise(&"{".repeat(63)));
    assert_eq!(read(mixed.as_bytes()), expected);
}

#[test]
fn a_broken_response_with_a_readable_id_is_told_and_is_no_noise() {
    for line in [
        r#"{"jsonrpc":"2.0","id":"a","result":NaN}"#,
        r#"{"jsonrpc":"2.0","id":"a","result":"#,
        r#"{"jsonrpc":"2.0","result":1,"id":"a""#,
        r#"{"jsonrpc":"2.0","id":"a","error":{"code":1,"message":"cut"#,
        "\u{feff} \r{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\":\"\t\"}",
        r#"{"jsonrpc":"2.0","id":"a","result":-NaN,"method":"m"}"#,
        r#"{"jsonrpc":"2.0","id":"b","id":"a","result":01}"#,
        r#"{"type":"result","jobId":"j","jsonrpc":"2.0","id":"a","error":+1}"#,
        r#"{"jsonrpc":"2.0","id":"a","result":NaN} {"jsonrpc":"2.0","id":"b","result":NaN}"#,
    ] {
        assert_eq!(read(line.as_bytes()), [Message::BrokenResponse { id: b"\"a\"" }], "{line}");
    }
}

#[test]
fn a_broken_text_that_is_no_readable_response_is_noise() {
    for line in [
        r#"{"jsonrpc":"2.0","id":"a","method":"m","result":NaN}"#,
        r#"{"jsonrpc":"2.0","id":"a","result":1,"method":NaN}"#,
        r#"{"jsonrpc":"2.0","id":"a","params":NaN}"#,
        r#"{"jsonrpc":"2.0","result":NaN,"id":"a"}"#,
        r#"{"id":"a","result":NaN,"jsonrpc":"2.0"}"#,
        r#"{"jsonrpc":"2.0","result":1,"id":"a"#,
        r#"{"jsonrpc":"2.0","result":1,"id":12"#,
        r#"{"jsonrpc":"2.0","result":1,"id":"a","id":NaN}"#,
        r#"x{"jsonrpc":"2.0","id":"a","result":NaN}"#,
        r#"{"jsonrpc":"2.0","type":"result","jobId":"j","method":NaN}"#,
        r#"{"jsonrpc":"2.0","id":"a","type":"result","jobId":"j","data":NaN}"#,
    ] {
        assert_eq!(read(line.as_bytes()), [noise(line)], "{line}");
    }
}

#[test]
fn a_broken_last_event_of_a_job_fails_the_job() {
    let broken = |kind| Message::BrokenJobEvent { kind, job_id: b"7" };
    let result = br#"{"type":"result","jobId":7,"timestamp":1,"data":{"score":NaN}}"#;
    assert_eq!(read(result), [broken(JobEventKind::Result)]);
    let error = br#"{"jobId":7,"type":"e\u0072ror","data":"#;
    assert_eq!(read(error), [broken(JobEventKind::Error)]);
    let versioned = br#"{"jsonrpc":"2.0","jobId":7,"type":"error","data":'x'}"#;
    assert_eq!(read(versioned), [broken(JobEventKind::Error)]);
    for line in [
        r#"{"type":"progress","jobId":7,"data":NaN}"#,
        r#"{"type":"partial","jobId":7,"data":NaN}"#,
        r#"{"type":"result","data":NaN,"jobId":7}"#,
        r#"{"jobId":7,"data":NaN,"type":"result"}"#,
        r#"{"type":"result","jobId":7"#,
        r#"{"type":"result","jobId":"7"#,
        r#"{"type":["result"],"jobId":"7",}"#,
    ] {
        assert_eq!(read(line.as_bytes()), [noise(line)], "{line}");
    }
}

#[test]
fn broken_messages_take_their_place_between_the_good_ones() {
    let line = format!(
        r#"{ANSWER}{{"type":"error","jobId":"k","data":NaN}} {DONE} {{"jsonrpc":1,"id":2,"result":tru"#
    );
    let [answer, done] = answer_and_done();
    let error = Message::BrokenJobEvent { kind: JobEventKind::Error, job_id: b"\"k\"" };
    assert_eq!(read(line.as_bytes()), [answer, error, done, Message::BrokenResponse { id: b"2" }]);
}

#[test]
fn what_follows_an_accepted_value_inside_a_broken_message_is_noise() {
    let line = br#"{"jsonrpc":"2.0","id":"a","result":[{"x":1},NaN]}"#;
    assert_eq!(read(line), [Message::BrokenResponse { id: b"\"a\"" }, Message::Ignored, noise(",NaN]}")]);
}

#[test]
fn a_text_cut_off_anywhere_never_is_the_message() {
    for text in [ANSWER, DONE] {
        for end in 1..text.len() {
            let told = read(&text.as_bytes()[..end]);
            assert!(
                matches!(
                    told[..],
                    [Message::Noise(_) | Message::BrokenResponse { .. } | Message::BrokenJobEvent { .. }]
                ),
                "{}: {told:?}",
                &text[..end]
            );
        }
    }
}

#[test]
fn odd_bytes_inside_strings_change_nothing() {
    let line = b"{\"jsonrpc\":\"2.0\",\"id\":\"\xff\xc3\",\"result\":\"\xed\xa0\x80 \x7f \\u0000 \\ud800\"}";
    let expected = Message::Response {
        id: b"\"\xff\xc3\"",
        answer: Answer::Result(b"\"\xed\xa0\x80 \x7f \\u0000 \\ud800\""),
    };
    assert_eq!(read(line), [expected]);
    assert_eq!(read(b"{\"type\":\"log\",\"jobId\":\"\0\"}").len(), 1);
    assert!(matches!(read(b"{\"type\":\"log\",\"jobId\":\"\0\"}")[..], [Message::Noise(_)]));
}

#[test]
fn deep_nesting_is_a_message_like_any_other() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let line = format!(r#"{{"jsonrpc":"2.0","id":"a","result":{deep}}}"#);
    let expected = Message::Response { id: b"\"a\"", answer: Answer::Result(deep.as_bytes()) };
    assert_eq!(read(line.as_bytes()), [expected]);
}

#[test]
fn the_head_of_a_line_that_is_too_long_tells_whom_it_was_for() {
    let response = |head: &'static str| read_head_of_too_long(head.as_bytes());
    let broken = Some(Message::BrokenResponse { id: b"\"a\"" });
    assert_eq!(response(r#"{"jsonrpc":"2.0","id":"a","result":"AAAA"#), broken);
    assert_eq!(response("\u{feff} {\"jsonrpc\":\"2.0\",\"id\":\"a\",\"error\":"), broken);
    let job = Some(Message::BrokenJobEvent { kind: JobEventKind::Result, job_id: b"\"j\"" });
    assert_eq!(response(r#"{"type":"result","jobId":"j","data":[1,"#), job);
    // Whole, but followed by too much: it is dropped all the same.
    assert_eq!(response(r#"{"jsonrpc":"2.0","id":"a","result":1} and a flood"#), broken);
    for head in [
        "",
        "  ",
        "flood",
        r#"{"jsonrpc":"2.0","id":"a"#,
        r#"{"jsonrpc":"2.0","id":"a","method":"m","params":"AAAA"#,
        r#"{"type":"progress","jobId":"j","data":[1,"#,
        r#"x{"jsonrpc":"2.0","id":"a","result":1"#,
    ] {
        assert_eq!(response(head), None, "{head}");
    }
}
