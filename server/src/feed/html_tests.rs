//! Many tries to get a script through, by hand and by chance. What is left is read again as a browser would, and every element and attribute of
//! it has to be on the list.

use super::*;
use proptest::prelude::*;

/// From OWASP's cheat sheet, DOMPurify's and ammonia's own collections, and the usual tricks of Markdown.
const TRIES: &[&str] = &[
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<script\x20type=\"text/javascript\">javascript:alert(1);</script>",
    "<script/x>alert(1)</script>",
    "<<SCRIPT>alert(1);//<</SCRIPT>",
    "<img src=x onerror=alert(1)>",
    "<img src=\"https://a.example/x.png\" onerror=\"alert(1)\" onload=alert(1)>",
    "<img src=`javascript:alert(1)`>",
    "<img \"\"\"><script>alert(1)</script>\">",
    "<img src=javascript:alert(1)>",
    "<img src=data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+>",
    "<img srcset=\"https://a.example/x.png 1x, javascript:alert(1) 2x\">",
    "<img src=http://a.example/x.png>",
    "<img/src/onerror=alert(1)>",
    "<a href=javascript:alert(1)>x</a>",
    "<a href=\" &#14;  javascript:alert(1)\">x</a>",
    "<a href=\"jav&#x09;ascript:alert(1)\">x</a>",
    "<a href=\"jav\nascript:alert(1)\">x</a>",
    "<a href=\"&#106;&#97;&#118;&#97;&#115;&#99;&#114;&#105;&#112;&#116;&#58;&#97;lert(1)\">x</a>",
    "<a href=\"JaVaScRiPt:alert(1)\">x</a>",
    "<a href=\"\x01javascript:alert(1)\">x</a>",
    "<a href=\"vbscript:msgbox(1)\">x</a>",
    "<a href=\"data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==\">x</a>",
    "<a href=\"blob:https://a.example/x\">x</a>",
    "<a href=\"file:///etc/passwd\">x</a>",
    "<a href=\"view-source:javascript:alert(1)\">x</a>",
    "<a onmouseover=alert(1) href=https://a.example>x</a>",
    "<a href=https://a.example target=_blank rel=opener>x</a>",
    "<a href=x style=\"position:fixed;inset:0\">x</a>",
    "<a id=pulse name=pulse href=x>x</a>",
    "<a href=x class=admin-button>x</a>",
    "[x](javascript:alert(1))",
    "[x](JavaScript:alert%281%29)",
    "[x](javascript&colon;alert(1))",
    "[x](<javascript:alert(1)>)",
    "[x](data:text/html,<script>alert(1)</script>)",
    "[x]: javascript:alert(1)\n\n[x]",
    "<javascript:alert(1)>",
    "![x](javascript:alert(1))",
    "![x](http://a.example/x.png)",
    "![x\" onerror=\"alert(1)](https://a.example/x.png)",
    "![x](https://a.example/x.png \"t\\\" onerror=alert(1)\")",
    "[x](https://a.example \"t\" onclick=alert(1))",
    "`<script>alert(1)</script>`",
    "```html\n<script>alert(1)</script>\n```",
    "``` \"><script>alert(1)</script>\nx\n```",
    "# x {onclick=alert(1)}",
    "<iframe src=javascript:alert(1)></iframe>",
    "<iframe srcdoc=\"<script>alert(1)</script>\"></iframe>",
    "<iframe src=https://www.youtube-nocookie.com/embed/x></iframe>",
    "<iframe/src=\"data:text/html,<svg onload=alert(1)>\">",
    "<object data=javascript:alert(1)></object>",
    "<embed src=javascript:alert(1)>",
    "<applet code=x></applet>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><a xlink:href=\"javascript:alert(1)\"><text>x</text></a></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<svg></p><style><a id=\"</style><img src=1 onerror=alert(1)>\">",
    "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
    "<math><mi//xlink:href=\"data:x,<script>alert(1)</script>\">",
    "<math><annotation-xml encoding=\"text/html\"><p title=\"</annotation-xml><img src=x onerror=alert(1)>\">",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
    "<textarea><p title=\"</textarea><img src=x onerror=alert(1)>\">",
    "<title><p title=\"</title><img src=x onerror=alert(1)>\">",
    "<xmp><p title=\"</xmp><img src=x onerror=alert(1)>\">",
    "<noembed><p title=\"</noembed><img src=x onerror=alert(1)>\">",
    "<noframes><p title=\"</noframes><img src=x onerror=alert(1)>\">",
    "<plaintext><img src=x onerror=alert(1)>",
    "<template><script>alert(1)</script></template>",
    "<select><template><img src=x onerror=alert(1)></template></select>",
    "<style>@import 'https://evil.example/x.css';</style>",
    "<style>*{background:url(javascript:alert(1))}</style>",
    "<p style=\"background:url(javascript:alert(1))\">x</p>",
    "<div style=\"width:expression(alert(1))\">x</div>",
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<link rel=import href=https://evil.example/x.html>",
    "<meta http-equiv=refresh content=\"0;url=javascript:alert(1)\">",
    "<base href=https://evil.example/>",
    "<body onload=alert(1)>",
    "<html onclick=alert(1)>",
    "<input onfocus=alert(1) autofocus>",
    "<form action=javascript:alert(1)><button>x</button></form>",
    "<button formaction=javascript:alert(1)>x</button>",
    "<isindex type=image src=1 onerror=alert(1)>",
    "<details open ontoggle=alert(1)>x</details>",
    "<video><source onerror=alert(1)></video>",
    "<video poster=javascript:alert(1)></video>",
    "<audio src=x onerror=alert(1)></audio>",
    "<marquee onstart=alert(1)>x</marquee>",
    "<table background=javascript:alert(1)><td>x</td></table>",
    "<frameset onload=alert(1)></frameset>",
    "<portal src=javascript:alert(1)></portal>",
    "<dialog open oncancel=alert(1)>x</dialog>",
    "<x onclick=alert(1)>x</x>",
    "<x contenteditable onblur=alert(1)>x</x>",
    "<p onpointerrawupdate=alert(1)>x</p>",
    "<a ping=https://evil.example href=x>x</a>",
    "<a href=x download>x</a>",
    "<img usemap=#m src=https://a.example/x.png><map name=m><area href=javascript:alert(1)></map>",
    "<img src=\"https://user:secret@a.example/x.png\">",
    "<img src=\"https://\">",
    "<!--<img src=\"--><img src=x onerror=alert(1)//\">",
    "<!--[if gte IE 4]><script>alert(1)</script><![endif]-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?xml version=\"1.0\"?><script>alert(1)</script>",
    "<!DOCTYPE x [<!ENTITY y SYSTEM \"file:///etc/passwd\">]>",
    "\u{feff}<script>alert(1)</script>",
    "\u{3c}script\u{3e}alert(1)\u{3c}/script\u{3e}",
    "+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
    "<p\x0conclick=alert(1)>x</p>",
    "<p/onclick=alert(1)>x</p>",
    "<p \0onclick=alert(1)>x</p>",
    "<ol start=\"1 onclick=alert(1)\"><li>x</li></ol>",
    "<li><img src=x onerror=alert(1)//",
    "<a href=\"https://a.example/\" href=\"javascript:alert(1)\">x</a>",
    "<a title='\"><img src=x onerror=alert(1)>' href=x>x</a>",
    "<slot name=x onslotchange=alert(1)></slot>",
    "<style></style\x0a><img src=x onerror=alert(1)>",
    "<pulse-counter site=x></pulse-counter>",
    "<custom-element is=x onclick=alert(1)></custom-element>",
];

/// What is in a piece of clean HTML, as `(element, attribute, value)`; written for this test, without the cleaner's own parser: every `<` begins
/// a tag, since text and attributes have theirs escaped.
fn attributes(html: &str) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        let rest_of_tag = rest.strip_prefix('/').unwrap_or(rest);
        let name: String = rest_of_tag
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect();
        let mut tag = &rest_of_tag[name.len()..];
        found.push((name.clone(), String::new(), String::new()));
        loop {
            tag = tag.trim_start();
            if let Some(after) = tag.strip_prefix('>') {
                rest = after;
                break;
            }
            let (attribute, after) = tag
                .split_once("=\"")
                .unwrap_or_else(|| panic!("a tag that does not end: {html}"));
            let (value, after) = after
                .split_once('"')
                .unwrap_or_else(|| panic!("a value that does not end: {html}"));
            found.push((name.clone(), attribute.to_owned(), value.to_owned()));
            tag = after;
        }
    }
    found
}

/// Attributes have no order.
fn sorted(html: &str) -> Vec<(String, String, String)> {
    let mut all = attributes(html);
    all.sort();
    all
}

fn is_harmless(html: &str) -> Result<(), String> {
    for (element, attribute, value) in attributes(html) {
        if !TAGS.contains(&element.as_str()) {
            return Err(format!("<{element}> in {html}"));
        }
        let fine = match (element.as_str(), attribute.as_str()) {
            (_, "") | ("img", "alt") => true,
            ("a", "rel") => value == "noopener nofollow",
            ("img", "loading") => value == "lazy",
            ("img", "referrerpolicy") => value == "no-referrer",
            ("img", "src") => value.starts_with("https://"),
            ("ol", "start") => value.bytes().all(|b| b.is_ascii_digit()),
            ("a", "href") => {
                // As browsers read it: without what they drop, up to the first sign that cannot be in a scheme.
                let read: String = value
                    .chars()
                    .filter(|c| !c.is_control())
                    .collect::<String>()
                    .trim()
                    .to_lowercase();
                let scheme = read
                    .split_once(':')
                    .map(|(scheme, _)| scheme.to_owned())
                    .filter(|scheme| {
                        scheme
                            .chars()
                            .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
                    });
                scheme.is_none_or(|scheme| ["http", "https", "mailto"].contains(&scheme.as_str()))
            }
            _ => false,
        };
        if !fine {
            return Err(format!("{attribute}={value:?} on <{element}> in {html}"));
        }
    }
    Ok(())
}

#[test]
fn no_try_gets_anything_through_that_runs_or_loads() {
    assert!(TRIES.len() > 120, "the tries are gone: {}", TRIES.len());
    for text in TRIES {
        is_harmless(&of_markdown(text)).unwrap_or_else(|why| panic!("{text:?}: {why}"));
        is_harmless(&clean(text)).unwrap_or_else(|why| panic!("as html {text:?}: {why}"));
        // Within something that is allowed, and what was cleaned once stays as it is.
        let within = of_markdown(&format!("> * x {text}\n\n*y*"));
        is_harmless(&within).unwrap_or_else(|why| panic!("within a quote {text:?}: {why}"));
        assert_eq!(sorted(&clean(&within)), sorted(&within), "{text:?}");
    }
}

#[test]
fn the_checker_of_this_test_sees_what_is_harmful() {
    for bad in [
        "<script>",
        "<p onclick=\"x\">",
        "<a href=\"javascript:x\">",
        "<a href=\"java\nscript:x\">",
        "<img src=\"http://a.example\">",
    ] {
        assert!(is_harmless(bad).is_err(), "{bad}");
    }
}

#[test]
fn what_editors_need_is_there() {
    assert_eq!(
        of_markdown(
            "# Hello\n\n*We* are **back**, see [here](/news) and [there](https://a.example).\nNext line"
        ),
        "<h3>Hello</h3>\n<p><em>We</em> are <strong>back</strong>, see <a href=\"/news\" rel=\"noopener nofollow\">here</a> and \
         <a href=\"https://a.example\" rel=\"noopener nofollow\">there</a>.<br>\nNext line</p>"
    );
    let picture = of_markdown("![A cat](https://a.example/cat.jpg)");
    assert!(
        picture.contains("src=\"https://a.example/cat.jpg\"") && picture.contains("alt=\"A cat\""),
        "{picture}"
    );
    assert_eq!(of_markdown("3 < 4 & \"so\""), "<p>3 &lt; 4 &amp; \"so\"</p>");
    assert_eq!(of_markdown("~~old~~"), "<p><del>old</del></p>");
}

fn pieces() -> impl Strategy<Value = String> {
    let markup = prop_oneof![
        Just("<".to_owned()),
        Just(">".to_owned()),
        Just("\"".to_owned()),
        Just("'".to_owned()),
        Just("`".to_owned()),
        Just("=".to_owned()),
        Just("/".to_owned()),
        Just("&".to_owned()),
        Just("](".to_owned()),
        Just("![".to_owned()),
        Just("javascript:".to_owned()),
        Just(" onerror=alert(1) ".to_owned()),
        Just(" href=".to_owned()),
        Just(" src=".to_owned()),
        Just("<a".to_owned()),
        Just("<img".to_owned()),
        Just("<svg>".to_owned()),
        Just("<math>".to_owned()),
        Just("<style>".to_owned()),
        Just("<script>".to_owned()),
        Just("</script>".to_owned()),
        Just("<!--".to_owned()),
        Just("-->".to_owned()),
        Just("\n".to_owned()),
        Just("<p>".to_owned()),
        Just("</p>".to_owned()),
        Just("<table>".to_owned()),
        Just("<mglyph>".to_owned()),
        Just("<title>".to_owned()),
        Just("&#x6a;".to_owned()),
        Just("&Tab;".to_owned()),
        Just("https://a.example/".to_owned()),
        "[ -~]{0,6}",
        "\\PC{0,3}",
    ];
    prop::collection::vec(markup, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(250))]
    #[test]
    fn whatever_is_typed_comes_out_harmless(text in pieces()) {
        for html in [of_markdown(&text), clean(&text)] {
            prop_assert!(is_harmless(&html).is_ok(), "{:?} gives {}: {:?}", text, html, is_harmless(&html));
        }
    }
}
