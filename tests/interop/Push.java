// Sends notifications with the JDK's own HttpClient and prints how many got which status:
//   java Push.java CLIENT.p12 PASSWORD TRUST.p12 URL TOPIC COUNT
import java.io.FileInputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

class Push {
    static KeyStore load(String file, String password) throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (FileInputStream in = new FileInputStream(file)) {
            store.load(in, password.toCharArray());
        }
        return store;
    }

    public static void main(String[] arguments) throws Exception {
        KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(load(arguments[0], arguments[1]), arguments[1].toCharArray());
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(load(arguments[2], arguments[1]));
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
        HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_2).sslContext(context).build();
        HttpRequest request = HttpRequest.newBuilder(URI.create(arguments[3])).header("apns-topic", arguments[4])
            .header("apns-push-type", "alert")
            .POST(HttpRequest.BodyPublishers.ofString("{\"aps\":{\"alert\":\"hi\"}}")).build();
        // The first answer settles that the connection speaks HTTP/2, so that one connection serves all.
        TreeMap<String, Integer> counts = new TreeMap<>();
        HttpResponse<String> first = client.send(request, HttpResponse.BodyHandlers.ofString());
        counts.put(first.version() + " " + first.statusCode(), 1);
        Semaphore open = new Semaphore(100);
        ArrayList<CompletableFuture<HttpResponse<String>>> answers = new ArrayList<>();
        for (int number = 1; number < Integer.parseInt(arguments[5]); number++) {
            open.acquire();
            answers.add(client.sendAsync(request, HttpResponse.BodyHandlers.ofString())
                .whenComplete((answer, error) -> open.release()));
        }
        for (CompletableFuture<HttpResponse<String>> answer : answers) {
            counts.merge(answer.get().version() + " " + answer.get().statusCode(), 1, Integer::sum);
        }
        System.out.println(counts);
        System.exit(0);
    }
}
