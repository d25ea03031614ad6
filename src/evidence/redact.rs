//! Keeps secrets out of run folders: by the names of settings, by known values, and by their shape.

use std::{borrow::Cow, collections::BTreeSet, sync::LazyLock};

use regex::{Captures, Regex};
use serde_json::Value;

use crate::record::Event;

/// What stands in a secret's place. A bare word, so that YAML, JSON and logs stay what they are.
pub const REDACTED: &str = "REDACTED";

/// Shorter values are not searched for: they occur everywhere.
const VALUE_LEAST: usize = 6;
/// Shorter lines of a secret of several lines are not searched for on their own.
const LINE_LEAST: usize = 8;

/// Names that end so hold secrets: of settings, variables, options, elements and assignments in text. By kind: what one
/// says to get in, keys that are to stay with one holder, and what stands for either.
const NAME: &str = r"(?:passwords?|passwd|pwd|passphrase|passcode|[_-]pass|userpass|requirepass|masterauth|secrets?|token|(?:api|app|access|account|private|secret|signing|master|encryption|shared|storage|session|host|service|client|subscription|webhook)[_-]?key|access[_-]?signature|connection[_-]?string|credentials?)";
/// Variables that end so and hold a folder.
const FOLDERS: [&str; 2] = ["PWD", "OLDPWD"];

/// A value: quoted, quoted within a quoted text, or a word.
const VALUE: &str = r#"("(?:\\.|[^"\\\n])+"|'(?:\\.|[^'\\\n])+'|\\+"[^"\\\n]+\\+"|\\+'[^'\\\n]+\\+'|[^\s,;&|>{}\[\]"'\\]+)"#;

static NAMED: LazyLock<Regex> = LazyLock::new(|| regex(&format!(r"(?i){NAME}$")));

/// A name and its value, in the ways of many languages: the name is kept, and quotes are.
static ASSIGNED: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        // name: value, name=value, "name" => "value"
        format!(r#"(?i)({NAME}\\*["']?\s*(?:=>|:=|[:=])\s*){VALUE}"#),
        // --name value
        format!(r#"(?i)(\s--?[a-z0-9-]*{NAME}\s+){VALUE}"#),
        // name: NAME, value: VALUE, as environments are written down
        format!(
            r#"(?i)(\bname\\*["']?\s*[:=]\s*\\*["']?[a-z0-9_.-]*{NAME}\\*["']?\s*,?\s*\\*["']?value\\*["']?\s*[:=]\s*){VALUE}"#
        ),
        // Configuration files that separate by spaces, and SQL.
        format!(r"(?i)(\b(?:requirepass|masterauth|masteruser|primaryauth)\s+){VALUE}"),
        r"(?i)(\b(?:identified\s+(?:with\s+\S+\s+)?by|password)\s+)('(?:''|[^'\n])+')".into(),
        // Options of usual clients: curl -u user:password, mysql -ppassword, redis-cli -a password, sshpass -p password
        r#"(?i)((?:^|\s)(?:-u|--user|--proxy-user)[ =]["']?[^\s:"']+:)([^\s"']+)"#.into(),
        r"(?i)(\b(?:mysql|mariadb)[a-z-]*\s[^\n]*?-p)([^\s]+)".into(),
        format!(r"(?i)(\b(?:redis-cli|valkey-cli)\s[^\n]*?\s-a\s+){VALUE}"),
        format!(r"(?i)(\bsshpass\s+-p\s*){VALUE}"),
    ]
    .iter()
    .map(|form| regex(form))
    .collect()
});

/// Shapes that are secret whatever stands before them; what the first group holds is kept.
static SHAPES: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let named = [
        // Lines of their own below a name, in YAML.
        format!(r#"(?i)({NAME}["']?\s*:\s*[|>][+-]?\d?[ \t]*\n[ \t]+)[^\n]+(?:\n[ \t]+[^\n:]+$)*"#),
        // <name>value</name>
        format!(r"(?i)(<[^<>\n]*{NAME}\s*>)[^<]+"),
    ];
    let shapes = [
        // The password of an address, up to its last at sign.
        r#"(?i)(\b[a-z][a-z0-9+.-]*://[^\s:/@]*:)[^\s/"'<>]+@"#,
        // Private keys, also where a log begins or ends within one.
        r"()-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----[\s\S]*?-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----",
        r"()-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----[A-Za-z0-9+/=:,.\\\s-]*",
        r"()(?:[A-Za-z0-9+/=]{16,}(?:\s|\\n)+)*[A-Za-z0-9+/=]*(?:\s|\\n)*-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----",
        r"()\bAGE-SECRET-KEY-1[0-9A-Z]+",
        // What a header says of who asks.
        r#"(?i)(\b(?:proxy-)?authorization\\*["']?\s*[:=]\s*\\*["']?(?:basic|bearer|token|apikey|negotiate|ntlm|sharedkey(?:lite)?)\s+)[^\s"'\\,;]+"#,
        r#"(?i)(\b(?:proxy-)?authorization\\*["']?\s*[:=]\s*\\*["']?(?:digest|aws4-hmac-sha256|hawk|oauth|signature)\s+)[^\n]+"#,
        r"(?i)(\b(?:set-)?cookie\s*:\s*)[^\n]+",
        r"(?i)(\bbearer\s+)[a-z0-9._~+/-]{8,}=*",
        // A signed address, and what servers keep of a password.
        r#"(?i)([?&;](?:sig|x-amz-signature|x-amz-security-token|x-goog-signature)=)[^&\s"'<>]+"#,
        r"()\bSCRAM-SHA-\d+\$\S+",
        r"()\bmd5[0-9a-f]{32}\b",
        // Keys of cloud providers, code hosts, registries, chats; JSON web tokens; minisign secret keys.
        r"()\b(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}\b",
        r"()\bAIza[0-9A-Za-z_-]{35}",
        r"()\b(?:ya29\.|GOCSPX-)[0-9A-Za-z_-]{16,}",
        r"()\bLTAI[0-9A-Za-z]{12,}\b",
        r"()\bgh[pousr]_[A-Za-z0-9]{20,}\b",
        r"()\bgithub_pat_[A-Za-z0-9_]{20,}\b",
        r"()\bgl(?:pat|dt|rt|cbt|ptt|soat)-[A-Za-z0-9_-]{20,}",
        r"()\b(?:npm|hf|dckr_pat|dop_v1|doo_v1)_[A-Za-z0-9_-]{20,}",
        r"()\bpypi-[A-Za-z0-9_-]{20,}",
        r"()\bhv[sbr]\.[A-Za-z0-9_-]{20,}",
        r"()\b[srp]k_(?:live|test)_[A-Za-z0-9]{16,}\b",
        r"()\bsk-[A-Za-z0-9_-]{20,}",
        r"()\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
        r"()\bx(?:ox[abeprs]|app)-[A-Za-z0-9-]{10,}",
        r"()\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}",
        r"()\bRW(?:RTY0Iy|QAAEIy)[A-Za-z0-9+/=]{40,}",
    ];
    named
        .iter()
        .map(String::as_str)
        .chain(shapes)
        .map(|shape| regex(&format!("(?m){shape}")))
        .collect()
});

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is a constant of this file")
}

/// Whether a name says that its value is secret.
pub fn is_secret(name: &str) -> bool {
    NAMED.is_match(name) && !FOLDERS.contains(&name)
}

/// Takes secrets out of text and events. Every redactor knows names and shapes; `knowing` adds values.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    values: Vec<String>,
}

impl Redactor {
    /// A redactor that also knows values: of variables whose names say so, and of overrides.
    pub fn knowing(named: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut values = BTreeSet::new();
        for (name, value) in named {
            if is_secret(&name) {
                note(&value, &mut values);
            }
        }
        Self::of(values)
    }

    /// Learns the secret settings of a value, for instance of a scenario.
    #[must_use]
    pub fn learning(self, value: &Value) -> Self {
        let mut values: BTreeSet<String> = self.values.into_iter().collect();
        learn(value, &mut values);
        Self::of(values)
    }

    fn of(values: BTreeSet<String>) -> Self {
        let mut values: Vec<String> = values.into_iter().collect();
        // A secret that holds another one is replaced as a whole.
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        Self { values }
    }

    /// Text without secrets.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut text = Cow::Borrowed(text);
        for value in &self.values {
            if text.contains(value.as_str()) {
                text = Cow::Owned(text.replace(value.as_str(), REDACTED));
            }
        }
        let keep_quotes = |found: &Captures<'_>| {
            let value = &found[2];
            let quotes = value.find(|c| c != '\\').filter(|at| {
                let first = value[*at..].starts_with(['"', '\'']);
                first && value.len() > 2 * (at + 1)
            });
            let quote = quotes.map_or("", |at| &value[..=at]);
            format!("{}{quote}{REDACTED}{quote}", &found[1])
        };
        for form in ASSIGNED.iter() {
            if form.is_match(&text) {
                text = Cow::Owned(form.replace_all(&text, keep_quotes).into_owned());
            }
        }
        for shape in SHAPES.iter() {
            if shape.is_match(&text) {
                let replaced = shape.replace_all(&text, |found: &Captures<'_>| {
                    let end = if found[0].ends_with('@') { "@" } else { "" };
                    format!("{}{REDACTED}{end}", &found[1])
                });
                text = Cow::Owned(replaced.into_owned());
            }
        }
        text
    }

    /// A value without secrets: those under names that say so, and those in its texts.
    #[must_use]
    pub fn value(&self, value: Value) -> Value {
        self.walk(value, false)
    }

    /// An event without secrets.
    ///
    /// # Errors
    /// When the event cannot be written as JSON.
    pub fn event(&self, event: &Event) -> Result<Event, serde_json::Error> {
        let value = serde_json::to_value(event)?;
        // A known value may be a word that events are made of; then words that stand alone are left.
        serde_json::from_value(self.walk(value.clone(), false))
            .or_else(|_| serde_json::from_value(self.walk(value, true)))
    }

    fn walk(&self, value: Value, leave_words: bool) -> Value {
        match value {
            Value::String(text) if leave_words && is_word(&text) => Value::String(text),
            Value::String(text) => Value::String(self.text(&text).into_owned()),
            Value::Array(items) => match pair(&items) {
                Some(name) => {
                    let name = Value::String(self.text(name).into_owned());
                    Value::Array(vec![name, REDACTED.into()])
                }
                None => items
                    .into_iter()
                    .map(|item| self.walk(item, leave_words))
                    .collect(),
            },
            Value::Object(mut fields) => {
                let named = fields
                    .get("name")
                    .and_then(Value::as_str)
                    .is_some_and(is_secret);
                for (key, field) in &mut fields {
                    let secret = is_secret(key) || (named && key == "value");
                    *field = match field.take() {
                        Value::String(_) if secret => REDACTED.into(),
                        other => self.walk(other, leave_words),
                    };
                }
                Value::Object(fields)
            }
            other => other,
        }
    }
}

/// The name of a pair of texts whose name says that the other one is secret.
fn pair(items: &[Value]) -> Option<&str> {
    match items {
        [Value::String(name), Value::String(_)] if is_secret(name) => Some(name),
        _ => None,
    }
}

fn learn(value: &Value, values: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => match (pair(items), items.get(1).and_then(Value::as_str)) {
            (Some(_), Some(secret)) => note(secret, values),
            _ => items.iter().for_each(|item| learn(item, values)),
        },
        Value::Object(fields) => {
            for (key, field) in fields {
                match field.as_str() {
                    Some(secret) if is_secret(key) => note(secret, values),
                    _ => learn(field, values),
                }
            }
        }
        _ => {}
    }
}

fn note(secret: &str, values: &mut BTreeSet<String>) {
    let long = |text: &&str, least: usize| text.len() >= least && *text != REDACTED;
    values.extend(
        Some(secret.trim())
            .filter(|t| long(t, VALUE_LEAST))
            .map(str::to_owned),
    );
    let lines = secret.lines().map(str::trim);
    values.extend(lines.filter(|t| long(t, LINE_LEAST)).map(str::to_owned));
}

/// A word as states, roles and kinds are written.
fn is_word(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> String {
        Redactor::default().text(text).into_owned()
    }

    #[test]
    fn secrets_are_known_by_name_and_by_shape() {
        for (text, clean) in [
            ("password=hunter2 host=pg1", "password=REDACTED host=pg1"),
            ("  requirepass: \"hun ter\"", "  requirepass: \"REDACTED\""),
            ("requirepass hunter2", "requirepass REDACTED"),
            ("PGPASSWORD: hunter2", "PGPASSWORD: REDACTED"),
            (
                "postgres://app:hunter2@pg1:5432/app",
                "postgres://app:REDACTED@pg1:5432/app",
            ),
            ("{\"api_key\": \"abc\"}", "{\"api_key\": \"REDACTED\"}"),
            (
                "Authorization: Bearer abcdefgh12345",
                "Authorization: Bearer REDACTED",
            ),
            ("id AKIAABCDEFGHIJKLMNOP here", "id REDACTED here"),
            (
                "http_proxy=http://me:p@ss:word@proxy:3128/x",
                "http_proxy=http://me:REDACTED@proxy:3128/x",
            ),
            (
                "--set a.secret=x1y2 --rate 5",
                "--set a.secret=REDACTED --rate 5",
            ),
            (
                "{\\\"password\\\":\\\"hunter2\\\"}",
                "{\\\"password\\\":\\\"REDACTED\\\"}",
            ),
        ] {
            assert_eq!(plain(text), clean);
            assert_eq!(plain(clean), clean, "once is enough");
        }
        for harmless in [
            "primary_key = id",
            "key: value",
            "authorization: required",
            "-u postgres -d app",
            "basic authentication failed",
            "password authentication failed for user \"app\"",
            "mysqld: ready for connections -- port: 3306",
            "https://host:8443/path@x",
            "tokens=5",
            "skip-name-resolve",
            "password_encryption: scram-sha-256",
            "the token ring was left",
            "redis://redis1:6379",
            "secret:",
        ] {
            assert_eq!(plain(harmless), harmless);
        }
    }

    /// Each kind with members of it: the planted word is gone, and something says so.
    #[test]
    fn every_kind_of_secret_is_taken_out() {
        let planted = "Hunter2abcdefghijklmnop";
        let long = "abcdefghijklmnopqrstuvwxyz0123456789ABCD";
        let kinds: &[(&str, &[&str])] = &[
            (
                "names",
                &[
                    "secret_key=@",
                    "secret-key: @",
                    "secretKey=\"@\"",
                    "pwd: @",
                    "PWD=@",
                    "db.pwd=@",
                    "aws_secret_access_key = @",
                    "SecretAccessKey: @",
                    "client_secret=@",
                    "encryption_key: @",
                    "master-key=@",
                    "sasl.jaas.config=... password=\"@\";",
                    "storage_account_key=@",
                    "session_key: '@'",
                    "passcode=@",
                    "db_pass=@",
                    "\"password\" => \"@\"",
                    "PASSWORD := @",
                ],
            ),
            (
                "options",
                &[
                    "run --password @ -v",
                    "run --password=@",
                    "login --api-token '@'",
                    "curl -u user:@ http://x",
                    "curl --user user:@",
                    "curl -u 'user:@' x",
                    "mysql -uroot -p@ app",
                    "mysqldump -h x -p@",
                    "redis-cli -h x -a @ ping",
                    "sshpass -p @ ssh x",
                ],
            ),
            (
                "headers",
                &[
                    "Authorization: Basic @==",
                    "authorization: Bearer @",
                    "Proxy-Authorization: Basic @",
                    "Authorization: Digest username=\"u\", response=\"@\"",
                    "{\"Authorization\": \"Basic @\"}",
                    "Authorization: AWS4-HMAC-SHA256 Credential=x, Signature=@",
                    "X-Api-Key: @",
                    "Cookie: session=@",
                    "Set-Cookie: id=@; HttpOnly",
                    "Authorization: SharedKey account:@",
                ],
            ),
            (
                "connection strings",
                &[
                    "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=@==;EndpointSuffix=x",
                    "Endpoint=sb://x/;SharedAccessKeyName=k;SharedAccessKey=@=",
                    "Server=x;User Id=sa;Password=@;",
                    "Server=x;Uid=sa;Pwd=@;",
                    "mongodb+srv://u:@@h1,h2/db",
                    "amqp://:@@x",
                    "jdbc:mysql://x/y?user=u&password=@",
                    "https://x.blob.core.windows.net/c?sv=1&sig=@",
                    "https://s3/x?X-Amz-Signature=@&y=1",
                    "host=x user=u password='@ and more'",
                    "SharedAccessSignature=@",
                    "redis://default:p@@x:1",
                ],
            ),
            (
                "documents",
                &[
                    "<password>@</password>",
                    "<db.secret >@</db.secret>",
                    "password: |\n  @\n  more\nnext: 1",
                    "- name: DB_PASSWORD\n  value: @",
                    "{\"name\":\"API_TOKEN\",\"value\":\"@\"}",
                    "{\\\"secret\\\":\\\"@\\\"}",
                    "CREATE USER a IDENTIFIED BY '@'",
                    "ALTER ROLE a PASSWORD '@'",
                    "CREATE USER a IDENTIFIED WITH mysql_native_password BY '@';",
                    "\"password\": \"a\\\"@\"",
                ],
            ),
            (
                "keys",
                &[
                    "-----BEGIN PRIVATE KEY-----\n@\n-----END PRIVATE KEY-----",
                    "\"private_key\": \"-----BEGIN PRIVATE KEY-----\\n@\\n-----END PRIVATE KEY-----\\n\"",
                    "-----BEGIN OPENSSH PRIVATE KEY-----\n@",
                    "@\n-----END RSA PRIVATE KEY-----",
                    "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n@\n-----END PGP PRIVATE KEY BLOCK-----",
                    "github_pat_@",
                    "glpat-@",
                    "npm_@",
                    "hvs.@",
                    "sk_live_@",
                    "sk-proj-@",
                    "dop_v1_@",
                    "ya29.@",
                    "GOCSPX-@",
                    "SCRAM-SHA-256$4096:@$x:y",
                    "xapp-@",
                    "pypi-@",
                    "SG.@.@",
                    "hf_@",
                ],
            ),
        ];
        for (kind, texts) in kinds {
            for text in *texts {
                let text = text.replace('@', planted);
                // Two stand for a secret that ends in an at sign, as addresses have it.
                let text = text.replace(&planted.repeat(2), &format!("{planted}@"));
                let clean = plain(&text);
                assert!(!clean.contains(planted), "{kind}: {text} -> {clean}");
                assert!(clean.contains(REDACTED), "{kind}: {text} -> {clean}");
                assert_eq!(plain(&clean), clean, "{kind}: once is enough");
            }
        }
        for key in [
            "AKIAIOSFODNN7EXAMPLE".to_owned(),
            "ASIAIOSFODNN7EXAMPLE".to_owned(),
            format!("AIza{}", &long[..35]),
            "LTAI4FoDuSamPLeKeyId".to_owned(),
            "AGE-SECRET-KEY-1QQQSYQCYQ5RQWZQFPG".to_owned(),
            "md5d41d8cd98f00b204e9800998ecf8427e".to_owned(),
        ] {
            assert_eq!(plain(&format!("id {key} here")), "id REDACTED here");
        }
        assert!(
            is_secret("DB_PWD")
                && is_secret("secret_key")
                && !is_secret("PWD")
                && !is_secret("OLDPWD")
        );
    }

    #[test]
    fn known_values_go_wherever_they_stand_and_words_of_events_stay() {
        let redactor = Redactor::knowing([
            ("DB_PASSWORD".to_owned(), "primary".to_owned()),
            ("APP_TOKEN".to_owned(), "zebra-42\"x".to_owned()),
            ("HOME".to_owned(), "/home/someone".to_owned()),
        ]);
        assert_eq!(
            redactor.text("in /home/someone: zebra-42\"x"),
            "in /home/someone: REDACTED"
        );
        let event: Event = serde_json::from_str(
            r#"{"at":{"low":1,"high":2},"what":{"view":{"node":"a","role":"primary","term":null,
                "position":null,"lag":null,"follows":"zebra-42\"x","eligible":null}}}"#,
        )
        .unwrap();
        let text = serde_json::to_string(&redactor.event(&event).unwrap()).unwrap();
        assert!(text.contains("\"role\":\"primary\""), "{text}");
        assert!(!text.contains("zebra"), "{text}");
    }

    #[test]
    fn secret_settings_are_learnt_whatever_their_form() {
        let scenario = serde_json::json!({
            "stack": { "db": { "settings": { "admin-password": "top\nsecret-of-lines" } } },
            "overrides": [["stack.db.settings.token", "abcdef"]],
            "effective": [{ "name": "masterauth", "value": "ab" }],
        });
        let redactor = Redactor::default().learning(&scenario);
        assert_eq!(
            redactor.text("  secret-of-lines abcdef"),
            "  REDACTED REDACTED"
        );
        let clean = redactor.value(scenario).to_string();
        assert!(
            !clean.contains("top") && !clean.contains("\"ab\""),
            "{clean}"
        );
        assert!(clean.contains("masterauth"));
    }
}
