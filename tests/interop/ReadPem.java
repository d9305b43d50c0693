import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;

/** Reads a certificate and its PKCS#8 key from each PEM file; "ok" when a signature by one verifies by the other. */
final class ReadPem {
    public static void main(String[] files) {
        for (String file : files) {
            String result;
            try {
                result = check(Files.readString(Path.of(file)));
            } catch (Exception e) {
                result = e.toString();
            }
            System.out.println(result.replace('\n', ' '));
        }
    }

    private static String check(String pem) throws Exception {
        byte[] bytes = block(pem, "CERTIFICATE");
        X509Certificate certificate = (X509Certificate)
                CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(bytes));
        String algorithm = certificate.getPublicKey().getAlgorithm();
        PrivateKey key = KeyFactory.getInstance(algorithm)
                .generatePrivate(new PKCS8EncodedKeySpec(block(pem, "PRIVATE KEY")));
        byte[] message = "push".getBytes(StandardCharsets.UTF_8);
        String scheme = algorithm.equals("EC") ? "SHA256withECDSA" : "SHA256with" + algorithm;
        Signature signer = Signature.getInstance(scheme);
        signer.initSign(key);
        signer.update(message);
        byte[] signature = signer.sign();
        signer.initVerify(certificate.getPublicKey());
        signer.update(message);
        return signer.verify(signature) ? "ok" : "the key is not the certificate's";
    }

    private static byte[] block(String pem, String label) {
        String begin = "-----BEGIN " + label + "-----\n";
        int start = pem.indexOf(begin) + begin.length();
        return Base64.getMimeDecoder().decode(pem.substring(start, pem.indexOf("-----END", start)));
    }
}
