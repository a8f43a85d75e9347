"""Certificates for tests, made by openssl: an authority, another one that nobody trusts, and what they
sign. Keys are P-256, everything is valid for two days unless it is meant to be expired.
"""
import os
import subprocess
import tempfile


def openssl(*arguments, cwd=None):
    done = subprocess.run(["openssl", *arguments], cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {' '.join(arguments)}: {done.stderr}")


class Authority:
    """`path("ca.crt")` is its certificate; `make("name")` gives name.crt and name.key."""

    def __init__(self, common_name="pgmoat test authority"):
        self.folder = tempfile.mkdtemp(prefix="pgmoat-certs-")
        os.chmod(self.folder, 0o755)
        self.serial = 100
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                "-subj", f"/CN={common_name}", "-keyout", "ca.key", "-out", "ca.crt",
                "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
                cwd=self.folder)
        with open(self.path("ca.conf"), "w", encoding="ascii") as conf:
            conf.write("[ca]\ndefault_ca = own\n[own]\ndatabase = index.txt\ndefault_md = sha256\n"
                       "default_crl_days = 2\ncertificate = ca.crt\nprivate_key = ca.key\n")
        open(self.path("index.txt"), "w", encoding="ascii").close()

    def path(self, name):
        return os.path.join(self.folder, name)

    def make(self, name, subject=None, names="DNS:localhost,IP:127.0.0.1", expired=False):
        """Returns (certificate, key)."""
        crt, key = self.path(name + ".crt"), self.path(name + ".key")
        self.serial += 1
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-subj", subject or f"/CN={name}", "-keyout", key, "-out", name + ".csr", cwd=self.folder)
        with open(self.path("extensions"), "w", encoding="ascii") as extensions:
            extensions.write(f"subjectAltName={names}\n" if names else "basicConstraints=CA:FALSE\n")
        openssl("x509", "-req", "-in", name + ".csr", "-CA", "ca.crt", "-CAkey", "ca.key",
                "-set_serial", str(self.serial), "-days", "-1" if expired else "2",
                "-extfile", "extensions", "-out", crt, cwd=self.folder)
        os.chmod(key, 0o600)
        return crt, key

    def revoke(self, *names):
        """The revocation list that has these certificates; may be empty."""
        for name in names:
            openssl("ca", "-config", "ca.conf", "-revoke", name + ".crt", cwd=self.folder)
        openssl("ca", "-config", "ca.conf", "-gencrl", "-out", "ca.crl", cwd=self.folder)
        return self.path("ca.crl")
