// The app's side: asks for permission, registers, hands the device token to the server, and receives.
// In Xcode, add the capability "Push Notifications" to the target {{topic}}. A SwiftUI app names this class
// with @UIApplicationDelegateAdaptor(AppDelegate.self).
import UIKit
import UserNotifications

class AppDelegate: NSObject, UIApplicationDelegate, UNUserNotificationCenterDelegate {
    func application(
        _ application: UIApplication,
        didFinishLaunchingWithOptions launchOptions: [UIApplication.LaunchOptionsKey: Any]? = nil
    ) -> Bool {
        let center = UNUserNotificationCenter.current()
        center.delegate = self
        center.requestAuthorization(options: [.alert, .badge, .sound]) { isGranted, error in
            print("notifications are allowed: \(isGranted)", error ?? "")
        }
        // At every launch: the token may be another one than the last time.
        application.registerForRemoteNotifications()
        return true
    }

    func application(
        _ application: UIApplication,
        didRegisterForRemoteNotificationsWithDeviceToken deviceToken: Data
    ) {
        // Not deviceToken.description, which is shortened.
        let token = deviceToken.map { String(format: "%02x", $0) }.joined()
        // Builds from Xcode have tokens of the sandbox; TestFlight and the App Store those of production.
        #if DEBUG
        let environment = "sandbox"
        #else
        let environment = "production"
        #endif
        let registration = ["app": Bundle.main.bundleIdentifier ?? "", "environment": environment, "token": token]
        var request = URLRequest(url: URL(string: {{server}})!)
        request.httpMethod = "POST"
        request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        request.httpBody = try? JSONEncoder().encode(registration)
        URLSession.shared.dataTask(with: request) { _, response, error in
            print("the server has the token:", (response as? HTTPURLResponse)?.statusCode ?? 0, error ?? "")
        }.resume()
    }

    func application(
        _ application: UIApplication,
        didFailToRegisterForRemoteNotificationsWithError error: Error
    ) {
        print("no device token: \(error)")
    }

    // The app is open: without this method nothing is shown.
    func userNotificationCenter(
        _ center: UNUserNotificationCenter,
        willPresent notification: UNNotification,
        withCompletionHandler completionHandler: @escaping (UNNotificationPresentationOptions) -> Void
    ) {
        completionHandler([.banner, .list, .badge, .sound])
    }

    // The user has tapped on a notification.
    func userNotificationCenter(
        _ center: UNUserNotificationCenter,
        didReceive response: UNNotificationResponse,
        withCompletionHandler completionHandler: @escaping () -> Void
    ) {
        print("opened: \(response.notification.request.content.userInfo)")
        completionHandler()
    }
}
