#!/bin/sh
# Library: cryptography 50.0.2 and asn1crypto 1.5.1 (PyPI), node-forge 1.4.3 (npm) beside Node's own X509Certificate
# Summary: Of one certificate they give four serial numbers, issuers and addresses as text, and whether two issuers
#   are one depends on the library.
# Guess: serial numbers differ by capitals at most, an address has its short form, and names are compared as RFC 5280
#   says, without capitals and double spaces.
# Behavior: a serial number has the bytes of its encoding in node-forge, so two more zeros where its first bit is set;
#   the one of Node has an even number of digits, and an int of Python as many as it needs. cryptography writes names
#   from the last part to the first, and compares the text; asn1crypto compares as RFC 5280 says.
# Output:
#     cryptography: serial ff00aa, CN=R3,O=Example CA, 2001:db8::1
#     cryptography: serial a00bb, CN=R3,O=EXAMPLE  CA, 2001:db8::1
#     one issuer, by cryptography: False
#     one issuer, by asn1crypto: True
#     node-forge: serial 00ff00aa, O=Example CA,CN=R3, 2001:db8::1
#     node: serial FF00AA, O=Example CA,CN=R3, IP Address:2001:DB8:0:0:0:0:0:1
#     node-forge: serial 0a00bb, O=EXAMPLE  CA,CN=R3, 2001:db8::1
#     node: serial 0A00BB, O=EXAMPLE  CA,CN=R3, IP Address:2001:DB8:0:0:0:0:0:1
# Why it matters: certificates of two tools are joined by serial number and issuer, and those without a partner are
#   reported as new, and others as gone. Join by the SHA-256 of the certificate.
set -eu
packages="cryptography==50.0.2 asn1crypto==1.5.1"
node_packages="node-forge@1.4.3"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
[ -z "${LATEST:-}" ] || node_packages=$(echo "$node_packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
npm install --prefix "$dir" --silent --no-audit --no-fund $node_packages
cat >"$dir/read.py" <<'END'
import datetime
import ipaddress

import asn1crypto.pem
import asn1crypto.x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

key = rsa.generate_private_key(65537, 2048)
JANUARY = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)


def issuer(text):
    parts = {NameOID.ORGANIZATION_NAME: text, NameOID.COMMON_NAME: "R3"}
    return x509.Name([x509.NameAttribute(part, value) for part, value in parts.items()])


for number, (serial, name) in enumerate({0xFF00AA: "Example CA", 0x0A00BB: "EXAMPLE  CA"}.items()):
    certificate = (
        x509.CertificateBuilder().serial_number(serial).issuer_name(issuer(name)).subject_name(issuer("Web"))
        .public_key(key.public_key()).not_valid_before(JANUARY).not_valid_after(JANUARY + datetime.timedelta(days=90))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("2001:db8::1"))]), False)
        .sign(key, hashes.SHA256())
    )
    with open(f"{number}.pem", "wb") as file:
        file.write(certificate.public_bytes(serialization.Encoding.PEM))
    read = x509.load_pem_x509_certificate(open(f"{number}.pem", "rb").read())
    names = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    address = names.get_values_for_type(x509.IPAddress)[0]
    print(f"cryptography: serial {read.serial_number:x}, {read.issuer.rfc4514_string()}, {address}")
one, other = issuer("Example CA"), issuer("EXAMPLE  CA")
print("one issuer, by cryptography:", one == other)
load = asn1crypto.x509.Name.load
print("one issuer, by asn1crypto:", load(one.public_bytes()) == load(other.public_bytes()))
END
cat >"$dir/read.js" <<'END'
const { X509Certificate } = require('crypto');
const { readFileSync } = require('fs');
const forge = require('node-forge');

for (const file of ['0.pem', '1.pem']) {
  const pem = readFileSync(file, 'utf8');
  const read = forge.pki.certificateFromPem(pem);
  const issuer = read.issuer.attributes.map(({ shortName, value }) => `${shortName}=${value}`).join(',');
  const [{ ip }] = read.getExtension('subjectAltName').altNames;
  console.log(`node-forge: serial ${read.serialNumber}, ${issuer}, ${ip}`);
  const own = new X509Certificate(pem);
  console.log(`node: serial ${own.serialNumber}, ${own.issuer.replace('\n', ',')}, ${own.subjectAltName}`);
}
END
(cd "$dir" && bin/python read.py && node read.js) >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
