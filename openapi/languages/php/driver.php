<?php
/**
 * A driver of stories: makes each request with the client that openapi-generator generates for PHP.
 *
 * Started as `php driver.php CLIENT`, CLIENT being the folder of the generated client. It reads a request per line of its input
 * and writes what the client gave its user, a line each, until the input ends. Guzzle is Debian's, so that nothing has to be
 * fetched with Composer; who uses Composer needs neither of the two autoloaders below.
 */

declare(strict_types=1);

require_once 'GuzzleHttp/autoload.php';
require_once 'GuzzleHttp/Psr7/autoload.php';

use GuzzleHttp\Client;
use MinCloud\Api\AuthenticationApi;
use MinCloud\Api\FunctionsApi;
use MinCloud\Api\InvocationsApi;
use MinCloud\Api\JobsApi;
use MinCloud\ApiException;
use MinCloud\Configuration;
use MinCloud\Model\InvocationAnswer;
use MinCloud\Model\ModelInterface;

const CLASSES = [FunctionsApi::class, InvocationsApi::class, JobsApi::class, AuthenticationApi::class];

/** Loads the generated client's classes from its folder. */
function load_client(string $folder): void
{
    spl_autoload_register(static function (string $class) use ($folder): void {
        if (str_starts_with($class, 'MinCloud\\')) {
            require_once $folder . '/lib/' . strtr(substr($class, strlen('MinCloud\\')), '\\', '/') . '.php';
        }
    });
}

/** What the client's user reads in an answer, by the contract's names: each field through its getter, null included. */
function as_read(mixed $value): mixed
{
    if ($value instanceof ModelInterface) {
        // One class for both answers, told apart as any user has to: what has no code was only accepted, and has no data either.
        // The client gives null for that, as it does for a function that returned null.
        $accepted = $value instanceof InvocationAnswer && $value->getCode() === null;
        $fields = [];
        foreach ($value::getters() as $name => $getter) {
            if ($accepted && $name === 'data') {
                continue;
            }
            // offsetExists is the client's way to ask whether a field came; a nullable one that is null counts as well.
            if ($value->offsetExists($name) || $value->isNullableSetToNull($name)) {
                $fields[$value::attributeMap()[$name]] = as_read($value->$getter());
            }
        }
        return (object) $fields;
    }
    return is_array($value) ? array_map(as_read(...), $value) : $value;
}

/** The method of one of the client's classes that makes an operation's requests. */
function operation(string $name): ReflectionMethod
{
    foreach (CLASSES as $class) {
        if (method_exists($class, $name . 'WithHttpInfo')) {
            return new ReflectionMethod($class, $name . 'WithHttpInfo');
        }
    }
    throw new LogicException("the client has no operation $name");
}

/** The body of a request as a model. */
function filled(ModelInterface $request, object $body): ModelInterface
{
    foreach ($request::setters() as $name => $setter) {
        $sent = $request::attributeMap()[$name];
        if (property_exists($body, $sent)) {
            $request->$setter($body->$sent);
        }
    }
    return $request;
}

/** Makes a request and returns its status and what was read. */
function ask(object $asked): array
{
    $configuration = (new Configuration())->setHost(rtrim((string) getenv('BASE_URL'), '/'));
    if ($asked->access_token !== null) {
        $configuration->setAccessToken($asked->access_token);
    }
    // Guzzle keeps cookies and waits for ever unless it is told otherwise.
    $http = new Client(['cookies' => true, 'connect_timeout' => 10, 'timeout' => 30]);
    $method = operation($asked->operation);
    $arguments = [];
    foreach ((array) $asked->parameters as $name => $value) {
        $arguments[strtolower(strtr($name, '-', '_'))] = $value;
    }
    if (isset($asked->body)) {
        // The argument that takes the body is named after its model: `invoke_request` takes an InvokeRequest.
        foreach ($method->getParameters() as $parameter) {
            if (str_ends_with($parameter->getName(), '_request')) {
                $model = 'MinCloud\\Model\\' . strtr(ucwords($parameter->getName(), '_'), ['_' => '']);
                $arguments[$parameter->getName()] = filled(new $model(), $asked->body);
            }
        }
    }
    try {
        [$body, $status] = $method->invoke(new $method->class($http, $configuration), ...$arguments);
    } catch (ApiException $error) {
        if ($error->getCode() < 400) {
            throw $error;
        }
        $text = (string) $error->getResponseBody();
        return $text === '' ? ['status' => $error->getCode()]
            : ['status' => $error->getCode(), 'body' => json_decode($text) ?? $text];
    }
    return $status === 204 ? ['status' => $status] : ['status' => $status, 'body' => as_read($body)];
}

if ($argc !== 2 || !is_dir($argv[1] . '/lib')) {
    fwrite(STDERR, "usage: php driver.php CLIENT, the folder of the generated client\n");
    exit(2);
}
load_client($argv[1]);
while (($line = fgets(STDIN)) !== false) {
    $asked = json_decode($line, false, 512, JSON_THROW_ON_ERROR);
    try {
        $answer = ask($asked);
    } catch (Throwable $error) {
        $answer = ['error' => $error::class . ': ' . strtok($error->getMessage(), "\n")];
    }
    $flags = JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_PRESERVE_ZERO_FRACTION | JSON_THROW_ON_ERROR;
    fwrite(STDOUT, json_encode(['id' => $asked->id] + $answer, $flags) . "\n");
}
