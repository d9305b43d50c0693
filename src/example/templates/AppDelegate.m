// The app's side: asks for permission, registers, hands the device token to the server, and receives.
// In Xcode, add the capability "Push Notifications" to the target {{topic}}.
#import <UIKit/UIKit.h>
#import <UserNotifications/UserNotifications.h>

@interface AppDelegate : UIResponder <UIApplicationDelegate, UNUserNotificationCenterDelegate>
@property (strong, nonatomic) UIWindow *window;
@end

@implementation AppDelegate

- (BOOL)application:(UIApplication *)application didFinishLaunchingWithOptions:(NSDictionary *)launchOptions {
    UNUserNotificationCenter *center = UNUserNotificationCenter.currentNotificationCenter;
    center.delegate = self;
    UNAuthorizationOptions options =
        UNAuthorizationOptionAlert | UNAuthorizationOptionBadge | UNAuthorizationOptionSound;
    [center requestAuthorizationWithOptions:options completionHandler:^(BOOL granted, NSError *error) {
        NSLog(@"notifications are allowed: %d %@", granted, error);
    }];
    // At every launch: the token may be another one than the last time.
    [application registerForRemoteNotifications];
    return YES;
}

- (void)application:(UIApplication *)application
    didRegisterForRemoteNotificationsWithDeviceToken:(NSData *)deviceToken {
    // Not deviceToken.description, which is shortened.
    NSMutableString *token = [NSMutableString string];
    const unsigned char *bytes = deviceToken.bytes;
    for (NSUInteger index = 0; index < deviceToken.length; index++) {
        [token appendFormat:@"%02x", bytes[index]];
    }
    // Builds from Xcode have tokens of the sandbox; TestFlight and the App Store those of production.
#ifdef DEBUG
    NSString *environment = @"sandbox";
#else
    NSString *environment = @"production";
#endif
    NSDictionary *registration = @{
        @"app": NSBundle.mainBundle.bundleIdentifier,
        @"environment": environment,
        @"token": token,
    };
    NSURL *server = [NSURL URLWithString:@{{server}}];
    NSMutableURLRequest *request = [NSMutableURLRequest requestWithURL:server];
    request.HTTPMethod = @"POST";
    [request setValue:@"application/json" forHTTPHeaderField:@"Content-Type"];
    request.HTTPBody = [NSJSONSerialization dataWithJSONObject:registration options:0 error:nil];
    [[NSURLSession.sharedSession dataTaskWithRequest:request
                                   completionHandler:^(NSData *data, NSURLResponse *response, NSError *error) {
        NSLog(@"the server has the token: %ld %@", (long)((NSHTTPURLResponse *)response).statusCode, error);
    }] resume];
}

- (void)application:(UIApplication *)application didFailToRegisterForRemoteNotificationsWithError:(NSError *)error {
    NSLog(@"no device token: %@", error);
}

// The app is open: without this method nothing is shown.
- (void)userNotificationCenter:(UNUserNotificationCenter *)center
       willPresentNotification:(UNNotification *)notification
         withCompletionHandler:(void (^)(UNNotificationPresentationOptions))completionHandler {
    completionHandler(UNNotificationPresentationOptionBanner | UNNotificationPresentationOptionList |
                      UNNotificationPresentationOptionBadge | UNNotificationPresentationOptionSound);
}

// The user has tapped on a notification.
- (void)userNotificationCenter:(UNUserNotificationCenter *)center
didReceiveNotificationResponse:(UNNotificationResponse *)response
         withCompletionHandler:(void (^)(void))completionHandler {
    NSLog(@"opened: %@", response.notification.request.content.userInfo);
    completionHandler();
}

@end
