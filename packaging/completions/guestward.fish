# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_guestward_global_optspecs
    string join \n h/help V/version
end

function __fish_guestward_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_guestward_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_guestward_using_subcommand
    set -l cmd (__fish_guestward_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c guestward -n "__fish_guestward_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c guestward -n "__fish_guestward_needs_command" -s V -l version -d 'Print version'
complete -c guestward -n "__fish_guestward_needs_command" -f -a "check" -d 'Look at this machine now and say what is wrong, worst first'
complete -c guestward -n "__fish_guestward_needs_command" -f -a "checks" -d 'List every check, and how much of CIS, NIST 800-53, AWS Well-Architected and NCSC they cover'
complete -c guestward -n "__fish_guestward_needs_command" -f -a "explain" -d 'Say everything about one check: why it matters, how to mend it, what it serves'
complete -c guestward -n "__fish_guestward_needs_command" -f -a "baseline" -d 'File integrity: record what is agreed, compare with it, accept what changed'
complete -c guestward -n "__fish_guestward_needs_command" -f -a "packages" -d 'Show installed and pending packages, and what still runs old code'
complete -c guestward -n "__fish_guestward_needs_command" -f -a "ship" -d 'Deliver what the journal holds, in the foreground, until SIGTERM'
complete -c guestward -n "__fish_guestward_needs_command" -f -a "policy" -d 'Validate a policy, or show the one in force'
complete -c guestward -n "__fish_guestward_needs_command" -f -a "run" -d 'Watch this machine: the sensor, in the foreground'
complete -c guestward -n "__fish_guestward_needs_command" -f -a "enforce" -d 'Change what the policy asks for, and take it back: decoys'
complete -c guestward -n "__fish_guestward_needs_command" -f -a "doctor" -d 'Say what this host needs to see, to keep and to ship, whether it is there, and what mends it'
complete -c guestward -n "__fish_guestward_needs_command" -f -a "status" -d 'Show how both daemons are: last record, backlog, gaps, memory'
complete -c guestward -n "__fish_guestward_needs_command" -f -a "journal" -d 'Read the durable record, prove it, and make the key that seals it'
complete -c guestward -n "__fish_guestward_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c guestward -n "__fish_guestward_using_subcommand check" -l root -d 'Look at the machine below this directory' -r -F
complete -c guestward -n "__fish_guestward_using_subcommand check" -l policy -d 'The policy, instead of $GUESTWARD_POLICY or /etc/guestward/policy.toml with policy.d/*.toml' -r -F
complete -c guestward -n "__fish_guestward_using_subcommand check" -l fail-on -d 'Exit with 1 when a failure is at least this severe [default: high, or what the policy says]' -r -f -a "informational\t''
low\t''
medium\t''
high\t''
critical\t''"
complete -c guestward -n "__fish_guestward_using_subcommand check" -l imds-endpoint -d 'Ask for instance metadata there, on EC2 or not: http:// and an address [default: the addresses that EC2 has]' -r
complete -c guestward -n "__fish_guestward_using_subcommand check" -l format -d 'How to tell it' -r -f -a "text\t'For people, on a screen'
json\t'For programs: one document, guestward.posture/1'
ocsf\t'For security data lakes: JSON lines, each an OCSF 1.5.0 Compliance Finding, passes included'
html\t'For auditors: one page that needs no network and no other file'"
complete -c guestward -n "__fish_guestward_using_subcommand check" -l all -d 'List what passes and what does not apply, too'
complete -c guestward -n "__fish_guestward_using_subcommand check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c guestward -n "__fish_guestward_using_subcommand checks" -l format -d 'How to tell it' -r -f -a "text\t'For people, on a screen'
json\t'For programs: one document, guestward.checks/1, always with every control'
html\t'For auditors: one page with every control and every check, both ways'"
complete -c guestward -n "__fish_guestward_using_subcommand checks" -l controls -d 'List every item of CIS, NIST, AWS and NCSC, too: covered by which checks, not yet, or out of reach and why'
complete -c guestward -n "__fish_guestward_using_subcommand checks" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c guestward -n "__fish_guestward_using_subcommand explain" -l format -d 'For people, or for programs' -r -f -a "text\t''
json\t''"
complete -c guestward -n "__fish_guestward_using_subcommand explain" -s h -l help -d 'Print help'
complete -c guestward -n "__fish_guestward_using_subcommand baseline; and not __fish_seen_subcommand_from create diff accept seal verify show help" -s h -l help -d 'Print help'
complete -c guestward -n "__fish_guestward_using_subcommand baseline; and not __fish_seen_subcommand_from create diff accept seal verify show help" -f -a "create" -d 'Record the state of every file that a rule is about: what is there now is what was agreed'
complete -c guestward -n "__fish_guestward_using_subcommand baseline; and not __fish_seen_subcommand_from create diff accept seal verify show help" -f -a "diff" -d 'Compare everything with the baseline: what differs, and whether a package accounts for it'
complete -c guestward -n "__fish_guestward_using_subcommand baseline; and not __fish_seen_subcommand_from create diff accept seal verify show help" -f -a "accept" -d 'Take what differs into the baseline, with your name and reason'
complete -c guestward -n "__fish_guestward_using_subcommand baseline; and not __fish_seen_subcommand_from create diff accept seal verify show help" -f -a "seal" -d 'Sign the baseline, so that who has the public key knows what the builder of an image saw'
complete -c guestward -n "__fish_guestward_using_subcommand baseline; and not __fish_seen_subcommand_from create diff accept seal verify show help" -f -a "verify" -d 'Prove that the baseline is whole, is the one that the journal names, and carries its seal'
complete -c guestward -n "__fish_guestward_using_subcommand baseline; and not __fish_seen_subcommand_from create diff accept seal verify show help" -f -a "show" -d 'Show what was agreed of a path and how it was last verified; or the whole baseline\'s particulars'
complete -c guestward -n "__fish_guestward_using_subcommand baseline; and not __fish_seen_subcommand_from create diff accept seal verify show help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c guestward -n "__fish_guestward_using_subcommand baseline; and __fish_seen_subcommand_from create" -l reason -d 'Why' -r
complete -c guestward -n "__fish_guestward_using_subcommand baseline; and __fish_seen_subcommand_from create" -l root -d 'Look at the machine below this directory' -r -F
complete -c guestward -n "__fish_guestward_using_subcommand baseline; and __fish_seen_subcommand_from create" -l policy -d 'The policy, instead of $GUESTWARD_POLICY or /etc/guestward/policy.toml with policy.d/*.toml' -r -F
complete -c guestward -n "__fish_guestward_using_subcommand baseline; and __fish_seen_subcommand_from create" -l format -d 'For people, or for programs' -r -f -a "text\t''
json\t''"
complete -c guestward -n "__fish_guestward_using_subcommand baseline; and __fish_seen_subcommand_from create" -l replace -d 'Replace the baseline that is there. What was agreed before is forgotten, and the reason is recorded'
complete -c guestward -n "__fish_guestward_using_subcommand baseline; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c guestward -n "__fish_guestward_using_subcommand baseline; and __fish_seen_subcommand_from diff" -l root -d 'Look at the machine below this directory' -r -F
complete -c guestward -n "__fish_guestward_using_subcommand baseline; and __fish_seen_subcommand_from diff" -l policy -d 'The policy, instead of $GUESTWARD_POLICY or /etc/guestward/policy.toml with policy.d/*.toml' -r -F
complete -c guestward -n "__fish_guestward_using_subcommand baseline; and __fish_seen_subcommand_from diff" -l format -d 'For people, or for programs' -r -f -a "text\t''
json\t''"
complete -c guestward -n "__fish_guestward_using_subcommand baseline; and __fish_seen_subcommand_from diff" -l quick -d 'Do not read what has the inode, size, ctime and flags that were agreed: as fast as a walk, and verified by metadata only'
complete -c guestward -n "__fish_guestward_using_subcommand baseline; and __fish_seen_subcommand_from diff" -l all -d 'List what a package accounts for, and what differs in its times only, one by one'
complete -c guestward -n "__fish_guestward_using_subcommand baseline; and __fish_seen_subcommand_from diff" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c guestward -n "__fish_guestward_using_subcommand baseline; and __fish_seen_subcommand_from accept" -l package -d 'What differs and is as this package records it, or went with it; may be given more than once' -r
complete -c guestward -n "__fish_guestward_using_subcommand baseline; and __fish_seen_subcommand_from accept" -l reason -d 'Why; it is recorded with your name and the time' -r
complete -c guestward -n "__fish_guestward_using_subcommand baseline; and __fish_seen_subcommand_from accept" -l root -d 'Look at the machine below this directory' -r -F
complete -c guestward -n "__fish_guestward_using_subcommand baseline; and __fish_seen_subcommand_from accept" -l policy -d 'The policy, instead of $GUESTWARD_POLICY or /etc/guestward/policy.toml with policy.d/*.toml' -r -F
complete -c guestward -n "__fish_guestward_using_subcommand baseline; and __fish_seen_subcommand_from accept" -l format -d 'For people, or for programs' -r -f -a "text\t''
json\t''"
complete -c guestward -n "__fish_guestward_using_subcommand baseline; and __fish_seen_subcommand_from accept" -l all -d 'Whatever differs'
complete -c guestward -n "__fish_guestward_using_subcommand baseline; and __fish_seen_subcommand_from accept" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c guestward -n "__fish_guestward_using_subcommand baseline; and __fish_seen_subcommand_from seal" -l key -d 'An Ed25519 private key in PEM, as `openssl genpkey -algorithm ed25519` writes it. Keep it off the machine' -r -F
complete -c guestward -n "__fish_guestward_using_subcommand baseline; and __fish_seen_subcommand_from seal" -l root -d 'Look at the machine below this directory' -r -F
complete -c guestward -n "__fish_guestward_using_subcommand baseline; and __fish_seen_subcommand_from seal" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c guestward -n "__fish_guestward_using_subcommand baseline; and __fish_seen_subcommand_from verify" -l key -d 'The public key that must have sealed it, in PEM [default: files.seal-key of the policy]' -r -F
complete -c guestward -n "__fish_guestward_using_subcommand baseline; and __fish_seen_subcommand_from verify" -l root -d 'Look at the machine below this directory' -r -F
complete -c guestward -n "__fish_guestward_using_subcommand baseline; and __fish_seen_subcommand_from verify" -l policy -d 'The policy, instead of $GUESTWARD_POLICY or /etc/guestward/policy.toml with policy.d/*.toml' -r -F
complete -c guestward -n "__fish_guestward_using_subcommand baseline; and __fish_seen_subcommand_from verify" -l format -d 'For people, or for programs' -r -f -a "text\t''
json\t''"
complete -c guestward -n "__fish_guestward_using_subcommand baseline; and __fish_seen_subcommand_from verify" -s h -l help -d 'Print help'
complete -c guestward -n "__fish_guestward_using_subcommand baseline; and __fish_seen_subcommand_from show" -l digests -d 'The digest of each directory down to so many levels: two machines compare them to find where they differ' -r
complete -c guestward -n "__fish_guestward_using_subcommand baseline; and __fish_seen_subcommand_from show" -l root -d 'Look at the machine below this directory' -r -F
complete -c guestward -n "__fish_guestward_using_subcommand baseline; and __fish_seen_subcommand_from show" -l format -d 'For people, or for programs' -r -f -a "text\t''
json\t''"
complete -c guestward -n "__fish_guestward_using_subcommand baseline; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c guestward -n "__fish_guestward_using_subcommand baseline; and __fish_seen_subcommand_from help" -f -a "create" -d 'Record the state of every file that a rule is about: what is there now is what was agreed'
complete -c guestward -n "__fish_guestward_using_subcommand baseline; and __fish_seen_subcommand_from help" -f -a "diff" -d 'Compare everything with the baseline: what differs, and whether a package accounts for it'
complete -c guestward -n "__fish_guestward_using_subcommand baseline; and __fish_seen_subcommand_from help" -f -a "accept" -d 'Take what differs into the baseline, with your name and reason'
complete -c guestward -n "__fish_guestward_using_subcommand baseline; and __fish_seen_subcommand_from help" -f -a "seal" -d 'Sign the baseline, so that who has the public key knows what the builder of an image saw'
complete -c guestward -n "__fish_guestward_using_subcommand baseline; and __fish_seen_subcommand_from help" -f -a "verify" -d 'Prove that the baseline is whole, is the one that the journal names, and carries its seal'
complete -c guestward -n "__fish_guestward_using_subcommand baseline; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show what was agreed of a path and how it was last verified; or the whole baseline\'s particulars'
complete -c guestward -n "__fish_guestward_using_subcommand baseline; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c guestward -n "__fish_guestward_using_subcommand packages" -l root -d 'Look at the machine below this directory' -r -F
complete -c guestward -n "__fish_guestward_using_subcommand packages" -l format -d 'For people, or for programs' -r -f -a "text\t''
json\t''"
complete -c guestward -n "__fish_guestward_using_subcommand packages" -l self-check -d 'Ask the package manager itself as well, and say where its list is another one'
complete -c guestward -n "__fish_guestward_using_subcommand packages" -l record -d 'Keep what came of it in the agent\'s state, for the check packages-self-check'
complete -c guestward -n "__fish_guestward_using_subcommand packages" -s h -l help -d 'Print help'
complete -c guestward -n "__fish_guestward_using_subcommand ship" -l policy -d 'The policy, instead of $GUESTWARD_POLICY or /etc/guestward/policy.toml with policy.d/*.toml' -r -F
complete -c guestward -n "__fish_guestward_using_subcommand ship" -s h -l help -d 'Print help'
complete -c guestward -n "__fish_guestward_using_subcommand policy; and not __fish_seen_subcommand_from check show help" -s h -l help -d 'Print help'
complete -c guestward -n "__fish_guestward_using_subcommand policy; and not __fish_seen_subcommand_from check show help" -f -a "check" -d 'Say everything that is wrong with a policy, with file, line and column'
complete -c guestward -n "__fish_guestward_using_subcommand policy; and not __fish_seen_subcommand_from check show help" -f -a "show" -d 'Print the policy in force as TOML, and where each value came from'
complete -c guestward -n "__fish_guestward_using_subcommand policy; and not __fish_seen_subcommand_from check show help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c guestward -n "__fish_guestward_using_subcommand policy; and __fish_seen_subcommand_from check" -l policy -d 'The policy, instead of $GUESTWARD_POLICY or /etc/guestward/policy.toml with policy.d/*.toml' -r -F
complete -c guestward -n "__fish_guestward_using_subcommand policy; and __fish_seen_subcommand_from check" -l format -d 'For people, or for programs' -r -f -a "text\t''
json\t''"
complete -c guestward -n "__fish_guestward_using_subcommand policy; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help'
complete -c guestward -n "__fish_guestward_using_subcommand policy; and __fish_seen_subcommand_from show" -l policy -d 'The policy, instead of $GUESTWARD_POLICY or /etc/guestward/policy.toml with policy.d/*.toml' -r -F
complete -c guestward -n "__fish_guestward_using_subcommand policy; and __fish_seen_subcommand_from show" -l format -d 'For people, or for programs' -r -f -a "text\t''
json\t''"
complete -c guestward -n "__fish_guestward_using_subcommand policy; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c guestward -n "__fish_guestward_using_subcommand policy; and __fish_seen_subcommand_from help" -f -a "check" -d 'Say everything that is wrong with a policy, with file, line and column'
complete -c guestward -n "__fish_guestward_using_subcommand policy; and __fish_seen_subcommand_from help" -f -a "show" -d 'Print the policy in force as TOML, and where each value came from'
complete -c guestward -n "__fish_guestward_using_subcommand policy; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c guestward -n "__fish_guestward_using_subcommand run" -l policy -d 'The policy, instead of $GUESTWARD_POLICY or /etc/guestward/policy.toml with policy.d/*.toml' -r -F
complete -c guestward -n "__fish_guestward_using_subcommand run" -s h -l help -d 'Print help'
complete -c guestward -n "__fish_guestward_using_subcommand enforce; and not __fish_seen_subcommand_from plan apply undo help" -s h -l help -d 'Print help'
complete -c guestward -n "__fish_guestward_using_subcommand enforce; and not __fish_seen_subcommand_from plan apply undo help" -f -a "plan" -d 'Show what would be written, and change nothing'
complete -c guestward -n "__fish_guestward_using_subcommand enforce; and not __fish_seen_subcommand_from plan apply undo help" -f -a "apply" -d 'Write what the policy asks for and is missing'
complete -c guestward -n "__fish_guestward_using_subcommand enforce; and not __fish_seen_subcommand_from plan apply undo help" -f -a "undo" -d 'Remove what was written and is unchanged since'
complete -c guestward -n "__fish_guestward_using_subcommand enforce; and not __fish_seen_subcommand_from plan apply undo help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c guestward -n "__fish_guestward_using_subcommand enforce; and __fish_seen_subcommand_from plan" -l policy -d 'The policy, instead of $GUESTWARD_POLICY or /etc/guestward/policy.toml with policy.d/*.toml' -r -F
complete -c guestward -n "__fish_guestward_using_subcommand enforce; and __fish_seen_subcommand_from plan" -l format -d 'For people, or for programs' -r -f -a "text\t''
json\t''"
complete -c guestward -n "__fish_guestward_using_subcommand enforce; and __fish_seen_subcommand_from plan" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c guestward -n "__fish_guestward_using_subcommand enforce; and __fish_seen_subcommand_from apply" -l policy -d 'The policy, instead of $GUESTWARD_POLICY or /etc/guestward/policy.toml with policy.d/*.toml' -r -F
complete -c guestward -n "__fish_guestward_using_subcommand enforce; and __fish_seen_subcommand_from apply" -l format -d 'For people, or for programs' -r -f -a "text\t''
json\t''"
complete -c guestward -n "__fish_guestward_using_subcommand enforce; and __fish_seen_subcommand_from apply" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c guestward -n "__fish_guestward_using_subcommand enforce; and __fish_seen_subcommand_from undo" -l policy -d 'The policy, instead of $GUESTWARD_POLICY or /etc/guestward/policy.toml with policy.d/*.toml' -r -F
complete -c guestward -n "__fish_guestward_using_subcommand enforce; and __fish_seen_subcommand_from undo" -l format -d 'For people, or for programs' -r -f -a "text\t''
json\t''"
complete -c guestward -n "__fish_guestward_using_subcommand enforce; and __fish_seen_subcommand_from undo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c guestward -n "__fish_guestward_using_subcommand enforce; and __fish_seen_subcommand_from help" -f -a "plan" -d 'Show what would be written, and change nothing'
complete -c guestward -n "__fish_guestward_using_subcommand enforce; and __fish_seen_subcommand_from help" -f -a "apply" -d 'Write what the policy asks for and is missing'
complete -c guestward -n "__fish_guestward_using_subcommand enforce; and __fish_seen_subcommand_from help" -f -a "undo" -d 'Remove what was written and is unchanged since'
complete -c guestward -n "__fish_guestward_using_subcommand enforce; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c guestward -n "__fish_guestward_using_subcommand doctor" -l policy -d 'The policy, instead of $GUESTWARD_POLICY or /etc/guestward/policy.toml with policy.d/*.toml' -r -F
complete -c guestward -n "__fish_guestward_using_subcommand doctor" -l format -d 'For people, or for programs' -r -f -a "text\t''
json\t''"
complete -c guestward -n "__fish_guestward_using_subcommand doctor" -l iam-policy -d 'Print only the IAM policy that the instance\'s role needs, least privilege, as JSON'
complete -c guestward -n "__fish_guestward_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c guestward -n "__fish_guestward_using_subcommand status" -l format -d 'For people, or for programs' -r -f -a "text\t''
json\t''"
complete -c guestward -n "__fish_guestward_using_subcommand status" -s h -l help -d 'Print help'
complete -c guestward -n "__fish_guestward_using_subcommand journal; and not __fish_seen_subcommand_from export tail verify init-key help" -s h -l help -d 'Print help'
complete -c guestward -n "__fish_guestward_using_subcommand journal; and not __fish_seen_subcommand_from export tail verify init-key help" -f -a "export" -d 'Print the records as JSON lines, each its exact bytes, oldest first'
complete -c guestward -n "__fish_guestward_using_subcommand journal; and not __fish_seen_subcommand_from export tail verify init-key help" -f -a "tail" -d 'Print the last records, and those that come'
complete -c guestward -n "__fish_guestward_using_subcommand journal; and not __fish_seen_subcommand_from export tail verify init-key help" -f -a "verify" -d 'Prove that an export of records is whole and unchanged, or name what is not'
complete -c guestward -n "__fish_guestward_using_subcommand journal; and not __fish_seen_subcommand_from export tail verify init-key help" -f -a "init-key" -d 'Make the key that seals checkpoints, and write its first state to a file, once'
complete -c guestward -n "__fish_guestward_using_subcommand journal; and not __fish_seen_subcommand_from export tail verify init-key help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c guestward -n "__fish_guestward_using_subcommand journal; and __fish_seen_subcommand_from export" -l from -d 'Leave out the records before this seq, in each epoch' -r
complete -c guestward -n "__fish_guestward_using_subcommand journal; and __fish_seen_subcommand_from export" -l kind -d 'Only records of this kind; may be given more than once' -r -f -a "finding\t''
drift\t''
detection\t''
gap\t''
heartbeat\t''
inventory\t''
enforcement\t''
checkpoint\t''
lifecycle\t''"
complete -c guestward -n "__fish_guestward_using_subcommand journal; and __fish_seen_subcommand_from export" -s h -l help -d 'Print help'
complete -c guestward -n "__fish_guestward_using_subcommand journal; and __fish_seen_subcommand_from tail" -s n -l lines -d 'How many' -r
complete -c guestward -n "__fish_guestward_using_subcommand journal; and __fish_seen_subcommand_from tail" -l format -d 'For people, or for programs' -r -f -a "text\t''
json\t''"
complete -c guestward -n "__fish_guestward_using_subcommand journal; and __fish_seen_subcommand_from tail" -s f -l follow -d 'Go on with each record as it is made, until interrupted'
complete -c guestward -n "__fish_guestward_using_subcommand journal; and __fish_seen_subcommand_from tail" -s h -l help -d 'Print help'
complete -c guestward -n "__fish_guestward_using_subcommand journal; and __fish_seen_subcommand_from verify" -l log-group -d 'The records that this log group of CloudWatch holds, with whatever AWS credentials you have' -r
complete -c guestward -n "__fish_guestward_using_subcommand journal; and __fish_seen_subcommand_from verify" -l log-stream-prefix -d 'Only the group\'s streams whose names begin so' -r
complete -c guestward -n "__fish_guestward_using_subcommand journal; and __fish_seen_subcommand_from verify" -l since -d 'Only the group\'s events from this time on: RFC 3339, or so long ago as 30d, 12h' -r
complete -c guestward -n "__fish_guestward_using_subcommand journal; and __fish_seen_subcommand_from verify" -l region -d 'The region of the group and the parameters, instead of $AWS_REGION or the profile\'s' -r
complete -c guestward -n "__fish_guestward_using_subcommand journal; and __fish_seen_subcommand_from verify" -l key -d 'The first key of an epoch, as `init-key` wrote it; once for each epoch' -r -F
complete -c guestward -n "__fish_guestward_using_subcommand journal; and __fish_seen_subcommand_from verify" -l key-parameter -d 'The first key in this parameter\'s NAME/key, as the agent put it there. {agent} {epoch} {instance} {region} are filled in for each epoch that is found; may be given more than once' -r
complete -c guestward -n "__fish_guestward_using_subcommand journal; and __fish_seen_subcommand_from verify" -l agent -d 'Only the records of this agent' -r
complete -c guestward -n "__fish_guestward_using_subcommand journal; and __fish_seen_subcommand_from verify" -l format -d 'For people, or for programs' -r -f -a "text\t''
json\t''"
complete -c guestward -n "__fish_guestward_using_subcommand journal; and __fish_seen_subcommand_from verify" -l insights -d 'Ask Logs Insights, as is done by itself for groups of the class INFREQUENT_ACCESS'
complete -c guestward -n "__fish_guestward_using_subcommand journal; and __fish_seen_subcommand_from verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c guestward -n "__fish_guestward_using_subcommand journal; and __fish_seen_subcommand_from init-key" -l policy -d 'The policy, instead of $GUESTWARD_POLICY or /etc/guestward/policy.toml with policy.d/*.toml' -r -F
complete -c guestward -n "__fish_guestward_using_subcommand journal; and __fish_seen_subcommand_from init-key" -l new-epoch -d 'Begin a new epoch, where this one has a key already'
complete -c guestward -n "__fish_guestward_using_subcommand journal; and __fish_seen_subcommand_from init-key" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c guestward -n "__fish_guestward_using_subcommand journal; and __fish_seen_subcommand_from help" -f -a "export" -d 'Print the records as JSON lines, each its exact bytes, oldest first'
complete -c guestward -n "__fish_guestward_using_subcommand journal; and __fish_seen_subcommand_from help" -f -a "tail" -d 'Print the last records, and those that come'
complete -c guestward -n "__fish_guestward_using_subcommand journal; and __fish_seen_subcommand_from help" -f -a "verify" -d 'Prove that an export of records is whole and unchanged, or name what is not'
complete -c guestward -n "__fish_guestward_using_subcommand journal; and __fish_seen_subcommand_from help" -f -a "init-key" -d 'Make the key that seals checkpoints, and write its first state to a file, once'
complete -c guestward -n "__fish_guestward_using_subcommand journal; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c guestward -n "__fish_guestward_using_subcommand help; and not __fish_seen_subcommand_from check checks explain baseline packages ship policy run enforce doctor status journal help" -f -a "check" -d 'Look at this machine now and say what is wrong, worst first'
complete -c guestward -n "__fish_guestward_using_subcommand help; and not __fish_seen_subcommand_from check checks explain baseline packages ship policy run enforce doctor status journal help" -f -a "checks" -d 'List every check, and how much of CIS, NIST 800-53, AWS Well-Architected and NCSC they cover'
complete -c guestward -n "__fish_guestward_using_subcommand help; and not __fish_seen_subcommand_from check checks explain baseline packages ship policy run enforce doctor status journal help" -f -a "explain" -d 'Say everything about one check: why it matters, how to mend it, what it serves'
complete -c guestward -n "__fish_guestward_using_subcommand help; and not __fish_seen_subcommand_from check checks explain baseline packages ship policy run enforce doctor status journal help" -f -a "baseline" -d 'File integrity: record what is agreed, compare with it, accept what changed'
complete -c guestward -n "__fish_guestward_using_subcommand help; and not __fish_seen_subcommand_from check checks explain baseline packages ship policy run enforce doctor status journal help" -f -a "packages" -d 'Show installed and pending packages, and what still runs old code'
complete -c guestward -n "__fish_guestward_using_subcommand help; and not __fish_seen_subcommand_from check checks explain baseline packages ship policy run enforce doctor status journal help" -f -a "ship" -d 'Deliver what the journal holds, in the foreground, until SIGTERM'
complete -c guestward -n "__fish_guestward_using_subcommand help; and not __fish_seen_subcommand_from check checks explain baseline packages ship policy run enforce doctor status journal help" -f -a "policy" -d 'Validate a policy, or show the one in force'
complete -c guestward -n "__fish_guestward_using_subcommand help; and not __fish_seen_subcommand_from check checks explain baseline packages ship policy run enforce doctor status journal help" -f -a "run" -d 'Watch this machine: the sensor, in the foreground'
complete -c guestward -n "__fish_guestward_using_subcommand help; and not __fish_seen_subcommand_from check checks explain baseline packages ship policy run enforce doctor status journal help" -f -a "enforce" -d 'Change what the policy asks for, and take it back: decoys'
complete -c guestward -n "__fish_guestward_using_subcommand help; and not __fish_seen_subcommand_from check checks explain baseline packages ship policy run enforce doctor status journal help" -f -a "doctor" -d 'Say what this host needs to see, to keep and to ship, whether it is there, and what mends it'
complete -c guestward -n "__fish_guestward_using_subcommand help; and not __fish_seen_subcommand_from check checks explain baseline packages ship policy run enforce doctor status journal help" -f -a "status" -d 'Show how both daemons are: last record, backlog, gaps, memory'
complete -c guestward -n "__fish_guestward_using_subcommand help; and not __fish_seen_subcommand_from check checks explain baseline packages ship policy run enforce doctor status journal help" -f -a "journal" -d 'Read the durable record, prove it, and make the key that seals it'
complete -c guestward -n "__fish_guestward_using_subcommand help; and not __fish_seen_subcommand_from check checks explain baseline packages ship policy run enforce doctor status journal help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c guestward -n "__fish_guestward_using_subcommand help; and __fish_seen_subcommand_from baseline" -f -a "create" -d 'Record the state of every file that a rule is about: what is there now is what was agreed'
complete -c guestward -n "__fish_guestward_using_subcommand help; and __fish_seen_subcommand_from baseline" -f -a "diff" -d 'Compare everything with the baseline: what differs, and whether a package accounts for it'
complete -c guestward -n "__fish_guestward_using_subcommand help; and __fish_seen_subcommand_from baseline" -f -a "accept" -d 'Take what differs into the baseline, with your name and reason'
complete -c guestward -n "__fish_guestward_using_subcommand help; and __fish_seen_subcommand_from baseline" -f -a "seal" -d 'Sign the baseline, so that who has the public key knows what the builder of an image saw'
complete -c guestward -n "__fish_guestward_using_subcommand help; and __fish_seen_subcommand_from baseline" -f -a "verify" -d 'Prove that the baseline is whole, is the one that the journal names, and carries its seal'
complete -c guestward -n "__fish_guestward_using_subcommand help; and __fish_seen_subcommand_from baseline" -f -a "show" -d 'Show what was agreed of a path and how it was last verified; or the whole baseline\'s particulars'
complete -c guestward -n "__fish_guestward_using_subcommand help; and __fish_seen_subcommand_from policy" -f -a "check" -d 'Say everything that is wrong with a policy, with file, line and column'
complete -c guestward -n "__fish_guestward_using_subcommand help; and __fish_seen_subcommand_from policy" -f -a "show" -d 'Print the policy in force as TOML, and where each value came from'
complete -c guestward -n "__fish_guestward_using_subcommand help; and __fish_seen_subcommand_from enforce" -f -a "plan" -d 'Show what would be written, and change nothing'
complete -c guestward -n "__fish_guestward_using_subcommand help; and __fish_seen_subcommand_from enforce" -f -a "apply" -d 'Write what the policy asks for and is missing'
complete -c guestward -n "__fish_guestward_using_subcommand help; and __fish_seen_subcommand_from enforce" -f -a "undo" -d 'Remove what was written and is unchanged since'
complete -c guestward -n "__fish_guestward_using_subcommand help; and __fish_seen_subcommand_from journal" -f -a "export" -d 'Print the records as JSON lines, each its exact bytes, oldest first'
complete -c guestward -n "__fish_guestward_using_subcommand help; and __fish_seen_subcommand_from journal" -f -a "tail" -d 'Print the last records, and those that come'
complete -c guestward -n "__fish_guestward_using_subcommand help; and __fish_seen_subcommand_from journal" -f -a "verify" -d 'Prove that an export of records is whole and unchanged, or name what is not'
complete -c guestward -n "__fish_guestward_using_subcommand help; and __fish_seen_subcommand_from journal" -f -a "init-key" -d 'Make the key that seals checkpoints, and write its first state to a file, once'
