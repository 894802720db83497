//! The ways in which programs write an access key down.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::support::binary::text;
use crate::support::keys::Pair;

type Write = fn(&Pair) -> Vec<u8>;

macro_rules! form {
    ($text:expr) => {
        |pair| $text.replace("{ID}", &pair.id).replace("{SECRET}", &pair.secret).into_bytes()
    };
}

pub(super) const FORMS: &[(&str, Write)] = &[
    ("ini", ini),
    (
        "ini without blanks, profile after profile",
        form!(
            "[a]\nregion=x\naws_access_key_id={ID}\naws_secret_access_key={SECRET}\n[b]\nrole_arn = arn:aws:iam::111122223333:role/x\n"
        ),
    ),
    ("env file", form!("A=1\nAWS_ACCESS_KEY_ID={ID}\nAWS_SECRET_ACCESS_KEY={SECRET}\nB=2\n")),
    (
        "env file with CRLF",
        form!("A=1\r\nAWS_ACCESS_KEY_ID={ID}\r\nAWS_SECRET_ACCESS_KEY={SECRET}\r\nB=2\r\n"),
    ),
    ("export", form!("export AWS_ACCESS_KEY_ID='{ID}'\nexport AWS_SECRET_ACCESS_KEY=\"{SECRET}\"\n")),
    ("setenv", form!("setenv AWS_ACCESS_KEY_ID {ID}\nsetenv AWS_SECRET_ACCESS_KEY {SECRET}\n")),
    ("no newline at the end", form!("AWS_ACCESS_KEY_ID={ID} AWS_SECRET_ACCESS_KEY={SECRET}")),
    ("JSON", form!(r#"{"AccessKeyId": "{ID}", "SecretAccessKey": "{SECRET}"}"#)),
    (
        "JSON of create-access-key",
        form!(
            "{\n \"AccessKey\": {\n  \"UserName\": \"x\",\n  \"AccessKeyId\": \"{ID}\",\n  \"Status\": \"Active\",\n  \"SecretAccessKey\": \"{SECRET}\",\n  \"CreateDate\": \"2024-01-01T00:00:00Z\"\n }\n}\n"
        ),
    ),
    ("JSON with \\/", |pair| json(&pair.id, &pair.secret.replace('/', "\\/"))),
    ("JSON with \\u002B and \\u002f", |pair| {
        json(&pair.id, &pair.secret.replace('+', "\\u002B").replace('/', "\\u002f"))
    }),
    (
        "JSON in JSON",
        form!(r#"{"Env": "{\"AWS_ACCESS_KEY_ID\": \"{ID}\", \"AWS_SECRET_ACCESS_KEY\": \"{SECRET}\"}"}"#),
    ),
    (
        "script in JSON",
        form!(
            r##"{"user_data": "#!/bin/sh\nexport AWS_ACCESS_KEY_ID={ID}\nexport AWS_SECRET_ACCESS_KEY={SECRET}\naws s3 ls\n"}"##
        ),
    ),
    ("values after \\n in JSON", form!(r#"{"x": "key\n{ID}\nsecret\n{SECRET}\n"}"#)),
    (
        "HTML-safe JSON",
        form!(r#"{"x": "AWS_ACCESS_KEY_ID\u003d{ID}\u0026AWS_SECRET_ACCESS_KEY\u003d{SECRET}"}"#),
    ),
    (
        "terraform.tfstate",
        form!(
            "{\"resources\": [{\"type\": \"aws_iam_access_key\", \"instances\": [{\"attributes\": {\n \"create_date\": \"2024-01-01T00:00:00Z\",\n \"encrypted_secret\": null,\n \"encrypted_ses_smtp_password_v4\": null,\n \"id\": \"{ID}\",\n \"key_fingerprint\": null,\n \"pgp_key\": null,\n \"secret\": \"{SECRET}\",\n \"ses_smtp_password_v4\": \"BCX\",\n \"status\": \"Active\"}}]}]}\n"
        ),
    ),
    ("terraform.tfvars", form!("access_key = \"{ID}\"\nsecret_key = \"{SECRET}\"\n")),
    (
        "HCL provider",
        form!(
            "provider \"aws\" {\n  region     = \"eu-west-1\"\n  access_key = \"{ID}\"\n  secret_key = \"{SECRET}\"\n}\n"
        ),
    ),
    (
        "bash history",
        form!("cd\nexport AWS_ACCESS_KEY_ID={ID}\nls -l\nexport AWS_SECRET_ACCESS_KEY={SECRET}\naws s3 ls\n"),
    ),
    (
        "bash history with times",
        form!(
            "#1700000000\nexport AWS_ACCESS_KEY_ID={ID}\n#1700000005\nexport AWS_SECRET_ACCESS_KEY={SECRET}\n#1700000009\nls\n"
        ),
    ),
    (
        "zsh history",
        form!(
            ": 1700000000:0;export AWS_ACCESS_KEY_ID={ID}\n: 1700000005:0;export AWS_SECRET_ACCESS_KEY={SECRET}\n"
        ),
    ),
    (
        "one line of a history",
        form!("AWS_ACCESS_KEY_ID={ID} AWS_SECRET_ACCESS_KEY={SECRET} aws sts get-caller-identity\n"),
    ),
    (
        "aws configure set",
        form!("aws configure set aws_access_key_id {ID}; aws configure set aws_secret_access_key {SECRET}\n"),
    ),
    (
        "fish history",
        form!(
            "- cmd: set -x AWS_ACCESS_KEY_ID {ID}\n  when: 1700000000\n- cmd: set -x AWS_SECRET_ACCESS_KEY {SECRET}\n  when: 1700000004\n"
        ),
    ),
    ("/proc environ", form!("PATH=/bin\0AWS_ACCESS_KEY_ID={ID}\0HOME=/\0AWS_SECRET_ACCESS_KEY={SECRET}\0")),
    ("environment with much between", |pair| {
        let between = "SOME_VARIABLE=with some value\0".repeat(60);
        format!("AWS_ACCESS_KEY_ID={}\0{between}AWS_SECRET_ACCESS_KEY={}\0", pair.id, pair.secret)
            .into_bytes()
    }),
    ("reversed", form!("AWS_SECRET_ACCESS_KEY={SECRET}\nAWS_ACCESS_KEY_ID={ID}\n")),
    ("reversed, with much between", |pair| {
        let between = "SOME_VARIABLE=with some value\n".repeat(60);
        format!("AWS_SECRET_ACCESS_KEY={}\n{between}AWS_ACCESS_KEY_ID={}\n", pair.secret, pair.id)
            .into_bytes()
    }),
    ("the console's accessKeys.csv", form!("Access key ID,Secret access key\r\n{ID},{SECRET}\r\n")),
    (
        "the older credentials.csv",
        form!(
            "\u{feff}User name,Password,Access key ID,Secret access key,Console login link\nbob,,{ID},{SECRET},https://111122223333.signin.aws.amazon.com/console\n"
        ),
    ),
    ("YAML", form!("s3:\n  access_key_id: {ID}\n  secret_access_key: {SECRET}\n")),
    (
        "YAML of Kubernetes",
        form!(
            "env:\n- name: AWS_ACCESS_KEY_ID\n  value: {ID}\n- name: AWS_SECRET_ACCESS_KEY\n  value: '{SECRET}'\n"
        ),
    ),
    (
        "docker inspect",
        form!(
            "\"Env\":[\"PATH=/usr/bin\",\"AWS_ACCESS_KEY_ID={ID}\",\"AWS_SECRET_ACCESS_KEY={SECRET}\"],\"Cmd\":null"
        ),
    ),
    (
        "docker compose",
        form!("    environment:\n      - AWS_ACCESS_KEY_ID={ID}\n      - AWS_SECRET_ACCESS_KEY={SECRET}\n"),
    ),
    ("docker run", form!("docker run -e AWS_ACCESS_KEY_ID={ID} -e AWS_SECRET_ACCESS_KEY={SECRET} app\n")),
    (
        "Dockerfile",
        form!("FROM x\nENV AWS_ACCESS_KEY_ID={ID} \\\n    AWS_SECRET_ACCESS_KEY={SECRET}\nENV A b\n"),
    ),
    (
        "systemd",
        form!(
            "[Service]\nEnvironment=AWS_ACCESS_KEY_ID={ID}\nEnvironment=\"AWS_SECRET_ACCESS_KEY={SECRET}\"\nExecStart=/x\n"
        ),
    ),
    ("crontab", form!("AWS_ACCESS_KEY_ID={ID}\nAWS_SECRET_ACCESS_KEY={SECRET}\n0 3 * * * backup\n")),
    ("URL with %2F and %2B", |pair| {
        let secret = pair.secret.replace('/', "%2F").replace('+', "%2B");
        format!("s3://{}:{secret}@bucket/path\n", pair.id).into_bytes()
    }),
    ("URL with %2f and %2b", |pair| {
        let secret = pair.secret.replace('/', "%2f").replace('+', "%2b");
        format!("https://x/?AccessKey={}&SecretKey={secret}&x=y\n", pair.id).into_bytes()
    }),
    ("form data in a URL", |pair| {
        let secret = pair.secret.replace('/', "%2F").replace('+', "%2B");
        format!("data=key%3D{}%26secret%3D{secret}%26\n", pair.id).into_bytes()
    }),
    (
        "s3cfg",
        form!("[default]\naccess_key = {ID}\naccess_token =\nbucket_location = US\nsecret_key = {SECRET}\n"),
    ),
    (
        "s3cfg as s3cmd writes it",
        form!(
            "[default]\naccess_key = {ID}\naccess_token = \nadd_encoding_exts = \nadd_headers = \nbucket_location = US\nca_certs_file = \ncache_file = \ncheck_ssl_certificate = True\ncheck_ssl_hostname = True\ncloudfront_host = cloudfront.amazonaws.com\nconnection_max_age = 5\nconnection_pooling = True\ncontent_disposition = \ncontent_type = \ndefault_mime_type = binary/octet-stream\ngpg_command = /usr/bin/gpg\nguess_mime_type = True\nhost_base = s3.amazonaws.com\nsecret_key = {SECRET}\nsend_chunk = 65536\n"
        ),
    ),
    (
        "rclone.conf",
        form!(
            "[s3]\ntype = s3\nprovider = AWS\naccess_key_id = {ID}\nsecret_access_key = {SECRET}\nregion = x\n"
        ),
    ),
    ("boto", form!("[Credentials]\naws_access_key_id = {ID}\naws_secret_access_key = {SECRET}\n")),
    ("passwd-s3fs", form!("{ID}:{SECRET}\n")),
    ("passwd-s3fs with a bucket", form!("bucket:{ID}:{SECRET}\n")),
    ("XML", form!("<AccessKey>{ID}</AccessKey>\n<SecretKey>{SECRET}</SecretKey>\n")),
    ("XML with references", |pair| {
        let secret = pair.secret.replace('/', "&#47;").replace('+', "&#x2B;");
        format!("<property name=\"fs.s3a.access.key\" value=\"{}\"/>\n<p secret=\"{secret}\"/>\n", pair.id)
            .into_bytes()
    }),
    (
        "core-site.xml",
        form!(
            "<property><name>fs.s3a.access.key</name><value>{ID}</value></property>\n<property><name>fs.s3a.secret.key</name><value>{SECRET}</value></property>\n"
        ),
    ),
    ("Java properties", form!("accessKey={ID}\nsecretKey={SECRET}\n")),
    ("Java properties, escaped", form!("aws.accessKeyId\\={ID}\naws.secretKey\\: {SECRET}\n")),
    (
        "Python",
        form!("s3 = boto3.client('s3', aws_access_key_id='{ID}', aws_secret_access_key='{SECRET}')\n"),
    ),
    ("PHP", form!("define( 'AWS_KEY', '{ID}' );\ndefine( 'AWS_SECRET', '{SECRET}' );\n")),
    ("PHP array", form!("'credentials' => [\n  'key'    => '{ID}',\n  'secret' => '{SECRET}',\n],\n")),
    (
        "Ruby",
        form!("gitlab_rails['x'] = { :aws_access_key_id => '{ID}', :aws_secret_access_key => '{SECRET}' }\n"),
    ),
    ("TOML", form!("[aws]\naccess_key_id = \"{ID}\"\nsecret_access_key = \"{SECRET}\"\n")),
    (
        "fluentd",
        form!("<match **>\n  @type s3\n  aws_key_id {ID}\n  aws_sec_key {SECRET}\n  s3_bucket x\n</match>\n"),
    ),
    ("Markdown table", form!("| {ID} | {SECRET} |\n")),
    (
        "log of cloud-init",
        form!("2024-01-01 00:00:00,000 - util.py[DEBUG]: Running ['aws', 'configure', '{ID}', '{SECRET}']\n"),
    ),
    (
        "shell trace",
        form!(
            "+ export AWS_ACCESS_KEY_ID={ID}\n+ AWS_ACCESS_KEY_ID={ID}\n+ export AWS_SECRET_ACCESS_KEY={SECRET}\n+ AWS_SECRET_ACCESS_KEY={SECRET}\n"
        ),
    ),
    ("base64", base64),
    ("base64 in JSON", |pair| {
        format!("{{\"user_data_base64\": \"{}\"}}", STANDARD.encode(script(pair))).into_bytes()
    }),
    ("base64 after a space of one", |pair| {
        STANDARD.encode([b" ".to_vec(), script(pair)].concat()).into_bytes()
    }),
    ("base64 after a space of two", |pair| {
        STANDARD.encode([b"  ".to_vec(), script(pair)].concat()).into_bytes()
    }),
    ("base64 in lines", |pair| lines(&STANDARD.encode(long_script(pair)), 76, "")),
    ("base64 in lines, CRLF (MIME)", |pair| {
        let body = text(&lines(&STANDARD.encode(long_script(pair)), 76, "")).replace('\n', "\r\n");
        format!("Content-Transfer-Encoding: base64\r\n\r\n{body}\r\n--x--\r\n").into_bytes()
    }),
    ("base64 in lines, indented (write_files)", |pair| {
        let body = lines(&STANDARD.encode(long_script(pair)), 64, "      ");
        [b"write_files:\n  - encoding: b64\n    content: |\n".to_vec(), body, b"    path: /x\n".to_vec()]
            .concat()
    }),
    ("a secret of Kubernetes", |pair| {
        let (id, secret) = (STANDARD.encode(&pair.id), STANDARD.encode(&pair.secret));
        format!("data:\n  AWS_ACCESS_KEY_ID: {id}\n  AWS_SECRET_ACCESS_KEY: {secret}\n").into_bytes()
    }),
    ("a secret of Kubernetes as kubectl prints it", |pair| {
        let (id, secret) = (STANDARD.encode(&pair.id), STANDARD.encode(&pair.secret));
        format!("{{\"data\":{{\"secret\":\"{secret}\",\"id\":\"{id}\"}},\"kind\":\"Secret\"}}").into_bytes()
    }),
    ("gzip", |pair| gzip(&script(pair))),
    ("gzip in base64", |pair| STANDARD.encode(gzip(&long_script(pair))).into_bytes()),
    ("gzip in base64 in lines", |pair| lines(&STANDARD.encode(gzip(&long_script(pair))), 76, "")),
    ("gzip in base64 in YAML", |pair| {
        format!("- encoding: gz+b64\n  content: {}\n", STANDARD.encode(gzip(&long_script(pair)))).into_bytes()
    }),
    ("base64 in gzip", |pair| gzip(&base64(pair))),
    ("after bytes that are no text", |pair| {
        [b"\xff\xfe\x00\x80\x01".to_vec(), ini(pair), b"\xff\x00".to_vec()].concat()
    }),
];

/// Forms in which a key is not found, each with its reason.
pub(super) const MISSED: &[(&str, &str, Write)] = &[
    (
        "UTF-16",
        "files of Windows programs: nothing on Linux reads its keys from them, and every byte would be looked at twice",
        |pair| text_of(pair).encode_utf16().flat_map(u16::to_le_bytes).collect(),
    ),
    ("base64 in base64", "one layer is taken off: what is packed twice was packed on purpose", |pair| {
        STANDARD.encode(STANDARD.encode(script(pair))).into_bytes()
    }),
    (
        "far apart, and not named",
        "forty characters by lot a page away belong to something else; that they are said to be a secret would do",
        |pair| format!("{}{}{}", pair.id, " x".repeat(200), pair.secret).into_bytes(),
    ),
    (
        "a secret in two pieces",
        "put together by a program when it runs: that is code to read, not a key that lies about",
        |pair| {
            format!("{} secret = '{}' + '{}'", pair.id, &pair.secret[..20], &pair.secret[20..]).into_bytes()
        },
    ),
];

pub(super) fn ini(pair: &Pair) -> Vec<u8> {
    text_of(pair).into_bytes()
}

fn text_of(pair: &Pair) -> String {
    format!("[default]\naws_access_key_id = {}\naws_secret_access_key = {}\n", pair.id, pair.secret)
}

pub(super) fn base64(pair: &Pair) -> Vec<u8> {
    STANDARD.encode(script(pair)).into_bytes()
}

fn script(pair: &Pair) -> Vec<u8> {
    format!("#!/bin/sh\nexport AWS_ACCESS_KEY_ID={}\nexport AWS_SECRET_ACCESS_KEY={}\n", pair.id, pair.secret)
        .into()
}

fn long_script(pair: &Pair) -> Vec<u8> {
    [script(pair), b"echo something to do\n".repeat(10)].concat()
}

fn json(id: &str, secret: &str) -> Vec<u8> {
    format!("{{\"key\":\"{id}\",\"secret\":\"{secret}\"}}").into_bytes()
}

fn lines(text: &str, width: usize, indent: &str) -> Vec<u8> {
    text.as_bytes().chunks(width).flat_map(|line| [indent.as_bytes(), line, b"\n"].concat()).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
