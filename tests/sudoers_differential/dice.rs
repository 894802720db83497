//! Made-up sudoers files, and damage to them.

/// A thrower of dice (xorshift) that writes sudoers files.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((self.0 >> 11) % sides as u64).unwrap()
    }

    fn one<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.roll(choices.len())]
    }

    pub(super) fn file(&mut self) -> String {
        let mut text = String::new();
        for number in 0..=self.roll(7) {
            let kind = self.roll(10);
            let line = match kind {
                0..=4 => self.specification(),
                5 | 6 => self.settings(),
                7 | 8 => self.aliases(number),
                _ => self.one(&["# a remark", "#", "", "  \t", "#x \\", "# include /x"]).to_owned(),
            };
            text.push_str(&line);
            text.push_str(self.one(&["", "", "", " ", " # remark", "\t#remark \\ x", "#x"]));
            text.push_str(if (5..7).contains(&kind) { self.one(&["\n", "\n", "\n", "\r\n"]) } else { "\n" });
        }
        if self.roll(8) == 0 {
            text.pop();
        }
        text
    }

    fn gap(&mut self) -> &'static str {
        self.one(&["", "", "", " ", " ", "  ", "\t", " \\\n ", "\\\n"])
    }

    fn space(&mut self) -> &'static str {
        self.one(&[" ", " ", " ", "  ", "\t", " \\\n", " \\\n\t"])
    }

    fn listed(&mut self, item: fn(&mut Self) -> String) -> String {
        let mut text = String::new();
        for index in 0..=[0, 0, 0, 1, 2][self.roll(5)] {
            if index > 0 {
                text.push_str(self.gap());
                text.push(',');
                text.push_str(self.gap());
            }
            text.push_str(self.one(&["", "", "", "", "!", "!!", "!!!", "! "]));
            text.push_str(&item(self));
        }
        text
    }

    fn user(&mut self) -> String {
        self.one(&[
            "bob",
            "al",
            "ALL",
            "%wheel",
            "%#27",
            "#1000",
            "#0",
            "+ng",
            "%:DOM",
            "\"two words\"",
            "\"%a group\"",
            "bo\\,b",
            "OPS",
            "ADMINS_1",
            "\"+n g\"",
            "a.b-c_d$",
            "us\\x65r",
            "%:#12",
            "@odd",
            "\"a\\\"b\"",
            "#-1",
            "Alice",
            "ALL_OF",
            "list_",
            "*",
        ])
        .to_owned()
    }

    fn group(&mut self) -> String {
        self.one(&["adm", "ALL", "#5", "GRP", "\"a b\"", "x\\ y"]).to_owned()
    }

    fn host(&mut self) -> String {
        self.one(&[
            "ALL",
            "host",
            "h.example.org",
            "10.0.0.1",
            "10.0.0.0/8",
            "10.0.0.0/255.0.0.0",
            "+hosts",
            "WEB",
            "fe80::1",
            "2001:db8::/32",
            "::1",
            "1.2.3.400",
            "web*",
            "h-[0-9]",
            "10.1",
        ])
        .to_owned()
    }

    fn command(&mut self) -> String {
        let digest = match self.roll(12) {
            0 => format!("sha224:{}{}", "ab".repeat(28), self.space()),
            1 => format!("sha256 :{}{}{}", self.gap(), "Zm9v".repeat(10) + "Zm8=", self.space()),
            2 => format!("sha512:{},{}sha224:{} ", "0f".repeat(64), self.gap(), "12".repeat(28)),
            _ => String::new(),
        };
        let sign = self.one(&["", "", "", "", "!", "!!"]);
        let command = match self.roll(12) {
            0 | 1 => "ALL".to_owned(),
            2 if digest.is_empty() => self.one(&["CMDS", "SHELLS", "A1_"]).to_owned(),
            3 => "/bin/".to_owned(),
            4 => format!("sudoedit{}/etc/{}", self.space(), self.one(&["hosts", "*", "a\\ b"])),
            5 => self
                .one(&["^/bin/(a|b)$", "^/usr/.*\\#x$", "/bin/x ^-[ab] c$", "list", "sudoedit"])
                .to_owned(),
            _ => {
                let path = self.one(&[
                    "/bin/ls",
                    "/usr/bin/l\\:s",
                    "/opt/a\\ b/c",
                    "/x/*",
                    "/a/[a-z]?",
                    "/a!b(c)",
                    "/s\"q",
                ]);
                let mut line = path.to_owned();
                for _ in 0..[0, 0, 1, 2, 3][self.roll(5)] {
                    line.push_str(self.space());
                    line.push_str(self.one(&[
                        "-l", "*", "\\*", "a\\,b", "a=b", "\"\"", "\"x y\"", "a\\:b", "\\#x", "\\=", "[!a]",
                        "!x", "(a)", "\\[", "\\\\", "x=\\=y", "ALL", "NOPASSWD", "@a", "a'b", "$",
                    ]));
                }
                line
            }
        };
        format!("{digest}{sign}{command}")
    }

    fn plain_command(&mut self) -> String {
        self.one(&["/bin/ls", "/usr/bin/", "ALL", "CMDS", "sudoedit", "^/x.*$"]).to_owned()
    }

    fn command_rule(&mut self) -> String {
        let mut text = String::new();
        if self.roll(2) == 0 {
            text.push('(');
            text.push_str(self.gap());
            match self.roll(6) {
                0 => {}
                1 => text.push(':'),
                2 => text.push_str(&format!(":{}", self.listed(Self::group))),
                3 => text.push_str(&format!("{}:{}", self.listed(Self::user), self.listed(Self::group))),
                _ => text.push_str(&self.listed(Self::user)),
            }
            text.push_str(self.gap());
            text.push(')');
            text.push_str(self.gap());
        }
        for _ in 0..[0, 0, 0, 1, 2][self.roll(5)] {
            // Where cvtsudoers compares addresses instead of values, no two values may be the same.
            let number = self.roll(1_000_000);
            let unique = match self.roll(12) {
                0 => format!("CWD=/tmp{number}"),
                1 => format!("CWD = ~/{number}"),
                2 => format!("CHROOT=/srv\\ {number}"),
                3 => format!("ROLE=r{number} TYPE=t"),
                4 => format!("TYPE=t{number} \\\n ROLE=s"),
                _ => self
                    .one(&[
                        "TIMEOUT=30",
                        "TIMEOUT=1h30m",
                        "TIMEOUT=2d",
                        "NOTBEFORE=20260101000000Z",
                        "NOTAFTER=20301231235959Z",
                    ])
                    .to_owned(),
            };
            text.push_str(&unique);
            text.push_str(self.space());
        }
        for _ in 0..[0, 0, 0, 1, 2][self.roll(5)] {
            text.push_str(self.one(&[
                "NOPASSWD",
                "PASSWD",
                "NOEXEC",
                "EXEC",
                "SETENV",
                "NOSETENV",
                "LOG_INPUT",
                "NOLOG_INPUT",
                "LOG_OUTPUT",
                "NOLOG_OUTPUT",
                "MAIL",
                "NOMAIL",
                "FOLLOW",
                "NOFOLLOW",
                "INTERCEPT",
                "NOINTERCEPT",
            ]));
            text.push_str(self.one(&[":", ": ", " : "]));
        }
        text.push_str(&self.command());
        text
    }

    fn specification(&mut self) -> String {
        let mut text = self.listed(Self::user);
        for index in 0..=[0, 0, 0, 1][self.roll(4)] {
            text.push_str(if index == 0 { self.space() } else { " : " });
            text.push_str(&self.listed(Self::host));
            text.push_str(self.gap());
            text.push('=');
            text.push_str(self.gap());
            for index in 0..=[0, 0, 1, 2, 3][self.roll(5)] {
                if index > 0 {
                    text.push_str(self.one(&[",", ", ", " ,", " , ", ",\\\n  "]));
                }
                text.push_str(&self.command_rule());
            }
        }
        text
    }

    /// A list as it may stand right behind `Defaults`: a blank that belongs to no comma would end it.
    fn scope(&mut self, item: fn(&mut Self) -> String) -> String {
        let mut text = String::new();
        for index in 0..=self.roll(2) {
            if index > 0 {
                text.push_str(self.one(&[",", ", ", " ,", "\t, "]));
            }
            text.push_str(self.one(&["", "", "!", "!!"]));
            text.push_str(item(self).trim_start_matches(':'));
        }
        text
    }

    fn settings(&mut self) -> String {
        let scope = match self.roll(9) {
            0 => format!("@{}", self.scope(Self::host)),
            1 => format!(":{}", self.scope(Self::user)),
            2 => format!(">{}", self.scope(Self::user)),
            3 => format!("!{}", self.plain_command()),
            _ => String::new(),
        };
        let mut text = format!("{}Defaults{scope}", self.one(&["", "", " ", "\t"]));
        for index in 0..=self.roll(3) {
            text.push_str(if index > 0 {
                self.one(&[",", ", ", " , ", ",\\\n "])
            } else {
                self.one(&[" ", "\t", "  "])
            });
            text.push_str(self.one(&[
                "env_reset",
                "!env_reset",
                "use_pty",
                "! requiretty",
                "secure_path=/a:/b",
                "secure_path = \"/a b:/c\"",
                "passwd_tries=3",
                "env_keep += \"A B_* C\"",
                "env_keep+=D",
                "env_check -= \"X\"",
                "env_delete=\"A\\\n B\"",
                "logfile=/var/log/su\\ do.log",
                "badpass_message=\"No, \\\"you\\\" = # !\"",
                "!logfile",
                "lecture=never",
                "syslog=authpriv",
                "!syslog",
                "insults",
                "runas_default=bob",
            ]));
        }
        text
    }

    fn aliases(&mut self, number: usize) -> String {
        let (kind, item): (&str, fn(&mut Self) -> String) = match self.roll(5) {
            0 => ("User_Alias", Self::user),
            1 => ("Runas_Alias", Self::user),
            2 => ("Host_Alias", Self::host),
            3 => ("Cmnd_Alias", Self::plain_command),
            _ => ("Cmd_Alias", Self::plain_command),
        };
        let mut text = format!("{}{kind}", self.one(&["", "", " "]));
        for index in 0..=self.roll(2) {
            text.push_str(if index > 0 { " : " } else { self.space() });
            text.push_str(&format!("N{number}_{index}{}={}", self.gap(), self.gap()));
            text.push_str(&self.listed(item));
        }
        text
    }

    /// A few bytes lost, doubled or put in.
    pub(super) fn damage(&mut self, text: String) -> String {
        let mut bytes = text.into_bytes();
        for _ in 0..=self.roll(3) {
            let at = self.roll(bytes.len() + 1);
            match self.roll(3) {
                0 if at < bytes.len() => {
                    bytes.remove(at);
                }
                1 if at < bytes.len() => bytes.insert(at, bytes[at]),
                _ => {
                    const SIGNS: &[u8] = b" \t\n\\,:=!()\"#%+@/aA5.^$*";
                    bytes.insert(at, SIGNS[self.roll(SIGNS.len())]);
                }
            }
        }
        String::from_utf8(bytes).unwrap()
    }
}
