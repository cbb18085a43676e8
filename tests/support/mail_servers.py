"""Real mail servers on this machine for tests: Dovecot (IMAP) and Postfix (SMTP),
unpacked by dev/setup into the cache folder, never installed and never started but here,
on free ports of the loopback, with a configuration and a folder of their own.

Dovecot runs as whoever runs the tests. Postfix's master process wants to be root;
without that ``Postfix.usable()`` says why not.
"""

import contextlib
import getpass
import grp
import imaplib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from support.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
CACHE = Path(
    os.environ.get("CHASER_CACHE")
    or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    / "invoice_chaser"
)
UNPACKED = CACHE / "mail"
# Dovecot's libraries look for their modules at a fixed place; dev/setup changes it to
# this one, of the same length.
MODULES = Path("/var/tmp/chaser-dovecots")


def unusable() -> str:
    """Why there are no mail servers; empty when there are."""
    return (
        ""
        if (UNPACKED / ".complete").exists()
        else "the mail servers are missing: run dev/setup"
    )


class Server:
    """A folder that other users may enter, because mail servers drop their rights, and
    a process group."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="chaser-mail-"))
        self.folder.chmod(0o755)
        self.process = None
        self.env = os.environ | {
            "LD_LIBRARY_PATH": f"{UNPACKED}/usr/lib/dovecot:{UNPACKED}/usr/lib/postfix"
        }

    def log(self) -> str:
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def wait_for_port(self, port: int) -> None:
        end = time.monotonic() + 60
        while time.monotonic() < end and self.process.poll() is None:
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", port), 1),
            ):
                return
            time.sleep(0.05)
        raise AssertionError(f"does not start: {self.log()}")

    def __enter__(self):
        return self.start()

    def __exit__(self, *_error):
        self.stop()


class Dovecot(Server):
    """IMAP for any user with the password ``secret``. ``introspect_url``: where a
    bearer token is asked about (RFC 7662), for XOAUTH2."""

    password = "secret"

    def __init__(self, introspect_url: str = "", tls: bool = False):
        super().__init__()
        self.port = free_port()
        self._introspect_url, self._tls = introspect_url, tls
        self.mail = self.folder / "mail"

    def start(self) -> "Dovecot":
        root = os.getuid() == 0
        self.user = "nobody" if root else getpass.getuser()
        group = grp.getgrgid(pwd.getpwnam(self.user).pw_gid).gr_name
        self.mail.mkdir()
        if root:
            shutil.chown(self.mail, self.user)
        if MODULES.is_symlink() or not MODULES.exists():
            link = MODULES.with_suffix(f".{os.getpid()}")
            link.symlink_to(UNPACKED / "usr/lib/dovecot/modules")
            link.replace(MODULES)
        config = self.folder / "dovecot.conf"
        config.write_text(self._config(group))
        self.process = subprocess.Popen(
            [
                UNPACKED / "usr/bin/doveconf",
                "-f",
                "service=master",
                "-c",
                config,
                "-m",
                "master",
                "-e",
                UNPACKED / "usr/sbin/dovecot",
                "-F",
                "-c",
                config,
            ],
            env=self.env,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.wait_for_port(self.port)
        return self

    def _config(self, group: str) -> str:
        lib = UNPACKED / "usr/lib/dovecot"
        return f"""
base_dir = {self.folder}/run
state_dir = {self.folder}/state
libexec_dir = {lib}
mail_plugin_dir = {lib}/modules
import_environment = TZ LD_LIBRARY_PATH
log_path = {self.folder}/log
protocols = imap
listen = 127.0.0.1
disable_plaintext_auth = no
auth_failure_delay = 0
default_internal_user = {self.user}
default_login_user = {self.user}
default_internal_group = {group}
mail_location = maildir:{self.mail}/%n
first_valid_uid = 1
{self._config_tls()}
auth_mechanisms = plain login {"xoauth2" if self._introspect_url else ""}
{self._config_oauth()}
passdb {{
  driver = static
  args = password={self.password}
}}
userdb {{
  driver = static
  args = uid={self.user} gid={group} home={self.mail}/%n
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {self.port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
namespace inbox {{
  inbox = yes
  mailbox Sent {{
    special_use = \\Sent
    auto = create
  }}
}}
"""

    def _config_tls(self) -> str:
        if not self._tls:
            return "ssl = no"
        subprocess.run(
            [
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=localhost",
                "-keyout",
                self.folder / "key",
                "-out",
                self.folder / "cert",
                "-addext",
                "subjectAltName=DNS:localhost,IP:127.0.0.1",
            ],
            check=True,
            capture_output=True,
        )
        return (
            f"ssl = yes\nssl_cert = <{self.folder}/cert\nssl_key = <{self.folder}/key"
        )

    def _config_oauth(self) -> str:
        if not self._introspect_url:
            return ""
        (self.folder / "oauth2.conf").write_text(
            f"introspection_mode = auth\nintrospection_url = {self._introspect_url}\n"
            "username_attribute = user\nactive_attribute = active\nactive_value = "
            "true\n"
        )
        return (
            f"passdb {{\n  driver = oauth2\n  mechanisms = xoauth2\n  args = "
            f"{self.folder}/oauth2.conf\n}}"
        )

    @contextlib.contextmanager
    def connect(self, user: str):
        session = imaplib.IMAP4("127.0.0.1", self.port, timeout=20)
        try:
            session.login(user, self.password)
            yield session
        finally:
            session.logout()

    def deliver(self, user: str, raw: bytes, folder: str = "INBOX") -> None:
        with self.connect(user) as session:
            session.create(folder)
            kind, data = session.append(folder, None, None, raw)
            assert kind == "OK", data

    def flags(self, user: str, folder: str = "INBOX") -> list[bytes]:
        with self.connect(user) as session:
            session.select(folder, readonly=True)
            return [line for line in session.fetch("1:*", "(FLAGS)")[1] if line]

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)


class Postfix(Server):
    """Takes mail for the domain ``local.example`` on the loopback and delivers it into
    Dovecot's folders; everything else is unknown, and it writes real delivery reports.
    ``users``: the local parts that exist."""

    domain = "local.example"

    def __init__(self, dovecot: Dovecot, users: list[str]):
        super().__init__()
        self.port = free_port()
        self._dovecot, self._users = dovecot, users

    @staticmethod
    def usable() -> str:
        if unusable():
            return unusable()
        return "" if os.getuid() == 0 else "Postfix's master process wants to be root"

    def start(self) -> "Postfix":
        lib = UNPACKED / "usr/lib/postfix"
        queue, conf, data = (self.folder / name for name in ("queue", "conf", "data"))
        for folder in (queue, conf, data):
            folder.mkdir()
        owner = pwd.getpwnam("nobody")
        os.chown(data, owner.pw_uid, owner.pw_gid)
        for name, private in (
            ("incoming", 1),
            ("active", 1),
            ("bounce", 1),
            ("corrupt", 1),
            ("defer", 1),
            ("deferred", 1),
            ("flush", 1),
            ("hold", 1),
            ("private", 1),
            ("saved", 1),
            ("trace", 1),
            ("maildrop", 1),
            ("public", 1),
            ("pid", 0),
        ):
            (queue / name).mkdir()
            if private:
                os.chown(queue / name, owner.pw_uid, -1)
        (conf / "boxes").write_text(
            "".join(f"{user}@{self.domain} {user}/\n" for user in self._users)
        )
        (conf / "main.cf").write_text(self._config(lib, queue, data, owner))
        (conf / "master.cf").write_text(self._services())
        self.process = subprocess.Popen(
            [lib / "sbin/master", "-d", "-c", conf],
            env=self.env | {"MAIL_CONFIG": str(conf)},
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=open(self.folder / "log", "ab"),
        )
        self.wait_for_port(self.port)
        return self

    def _config(self, lib: Path, queue: Path, data: Path, owner) -> str:
        boxes = f"texthash:{self.folder}/conf/boxes"
        return f"""
compatibility_level = 3.6
queue_directory = {queue}
data_directory = {data}
daemon_directory = {lib}/sbin
command_directory = {UNPACKED}/usr/sbin
shlib_directory = {lib}
meta_directory = {UNPACKED}/etc/postfix
mail_owner = nobody
setgid_group = mail
default_privs = daemon
import_environment = MAIL_CONFIG MAIL_LOGTAG LD_LIBRARY_PATH TZ
export_environment = LD_LIBRARY_PATH TZ
maillog_file =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.{self.domain}
mydestination =
local_recipient_maps =
alias_maps =
virtual_mailbox_domains = {self.domain}
virtual_mailbox_base = {self._dovecot.mail}
virtual_mailbox_maps = {boxes}
virtual_uid_maps = static:{owner.pw_uid}
virtual_gid_maps = static:{owner.pw_gid}
virtual_minimum_uid = 1
mynetworks = 127.0.0.0/8
smtpd_reject_unlisted_recipient = no
smtpd_recipient_restrictions = permit_mynetworks, reject
smtpd_relay_restrictions = permit_mynetworks, reject
default_transport = error:5.1.2 no way out of this machine
notify_classes =
smtputf8_enable = no
"""

    def _services(self) -> str:
        lines = [f"127.0.0.1:{self.port} inet n - n - - smtpd"]
        lines += [
            "cleanup unix n - n - 0 cleanup",
            "qmgr unix n - n 300 1 qmgr",
            "rewrite unix - - n - - trivial-rewrite",
            "bounce unix - - n - 0 bounce",
        ]
        lines += [
            "defer unix - - n - 0 bounce",
            "trace unix - - n - 0 bounce",
            "proxymap unix - - n - - proxymap",
            "virtual unix - n n - - virtual",
        ]
        lines += [
            "error unix - - n - - error",
            "retry unix - - n - - error",
            "anvil unix - - n - 1 anvil",
            "scache unix - - n - 1 scache",
        ]
        lines += [
            "showq unix n - n - - showq",
            "flush unix n - n 1000? 0 flush",
            "tlsmgr unix - - n 1000? 1 tlsmgr",
        ]
        return "\n".join(lines) + "\n"

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, 15)
            self.process.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)
